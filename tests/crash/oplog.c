/*
 * What a process does to its state folder, in order, as a library to preload.
 * Each change of a file directly below $OPLOG_DIR is appended to the file
 * $OPLOG as one record after it was done, and each answer on a socket that
 * says `"ids"` (the 202 of ingress) before it is sent:
 *
 *   struct head, the file's name, the bytes
 *
 *   W write at off   T truncate to off   C create   U unlink   R rename to
 *   the bytes' name   S sync of the file   D sync of the folder   A answer
 *
 * Several processes may share one $OPLOG: a record is one write to a file
 * opened for appending, so their order is the order in which they happened.
 * tests/crash/powerloss.py replays every prefix. Never used outside tests.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct head {
	char kind;
	char store[15]; /* the folder's last name */
	uint64_t off;
	uint32_t name, bytes; /* lengths of what follows */
};

static char root[PATH_MAX]; /* "" for none */
static char store[15];
static int out = -1;

static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);

/* A test that cannot keep its promise must not pass by accident. */
static void die(const char *what)
{
	fprintf(stderr, "oplog: %s: %s\n", what, strerror(errno));
	abort();
}

static void *next(const char *name)
{
	void *fn = dlsym(RTLD_NEXT, name);

	if (!fn)
		die(name);
	return fn;
}

__attribute__((constructor)) static void start(void)
{
	const char *dir = getenv("OPLOG_DIR"), *path = getenv("OPLOG");

	*(void **)&real_write = next("write");
	*(void **)&real_writev = next("writev");
	if (!dir || !path)
		return;
	if (!realpath(dir, root))
		die(dir);
	snprintf(store, sizeof(store), "%s", strrchr(root, '/') + 1);
	out = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (out < 0)
		die(path);
}

static void put(char kind, const char *name, uint64_t off, const void *bytes,
	size_t n)
{
	int saved = errno;
	struct head h = {.kind = kind, .off = off,
		.name = (uint32_t)strlen(name), .bytes = (uint32_t)n};
	struct iovec v[] = {{&h, sizeof(h)}, {(void *)name, h.name},
		{(void *)bytes, n}};

	memcpy(h.store, store, sizeof(store));
	if (real_writev(out, v, 3) != (ssize_t)(sizeof(h) + h.name + n))
		die("append");
	errno = saved;
}

/* The name below the folder; "" for the folder itself; NULL for others. */
static const char *inside(const char *path)
{
	size_t len = strlen(root);

	if (len == 0 || strncmp(path, root, len) != 0)
		return NULL;
	if (path[len] == '\0')
		return "";
	if (path[len] != '/' || strchr(path + len + 1, '/'))
		return NULL;
	return path + len + 1;
}

static const char *name_of(int fd, char path[PATH_MAX])
{
	char proc[64];
	ssize_t n;

	if (out < 0)
		return NULL;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, path, PATH_MAX - 1);
	if (n < 0)
		return NULL;
	path[n] = '\0';
	return inside(path);
}

static void note_answer(int fd, const void *bytes, size_t n)
{
	struct stat st;

	if (out >= 0 && n > 6 && memmem(bytes, n, "\"ids\"", 5) &&
		fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		put('A', "", 0, bytes, n);
}

/* ---- bytes ---- */

ssize_t write(int fd, const void *p, size_t n)
{
	char path[PATH_MAX];
	const char *name = name_of(fd, path);
	off_t at = name && *name ? lseek(fd, 0, SEEK_CUR) : -1;
	ssize_t rc;

	if (!name)
		note_answer(fd, p, n);
	rc = real_write(fd, p, n);
	if (at >= 0 && rc > 0)
		put('W', name, (uint64_t)at, p, (size_t)rc);
	return rc;
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t off)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	char path[PATH_MAX];
	const char *name = name_of(fd, path);
	ssize_t rc;

	if (!real)
		*(void **)&real = next("pwrite64");
	rc = real(fd, p, n, off);
	if (name && *name && rc > 0)
		put('W', name, (uint64_t)off, p, (size_t)rc);
	return rc;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
	return pwrite64(fd, p, n, off);
}

int ftruncate64(int fd, off64_t size)
{
	static int (*real)(int, off64_t);
	char path[PATH_MAX];
	const char *name = name_of(fd, path);
	int rc;

	if (!real)
		*(void **)&real = next("ftruncate64");
	rc = real(fd, size);
	if (name && *name && rc == 0)
		put('T', name, (uint64_t)size, "", 0);
	return rc;
}

int ftruncate(int fd, off_t size)
{
	return ftruncate64(fd, size);
}

/* ---- names ---- */

static int open_real(const char *symbol, const char *path, int flags,
	mode_t mode)
{
	int (*real)(const char *, int, ...);
	const char *name = out >= 0 && (flags & O_CREAT) ? inside(path) : NULL;
	bool fresh = name && *name && access(path, F_OK) != 0;
	int fd;

	*(void **)&real = next(symbol);
	fd = real(path, flags, mode);
	if (fresh && fd >= 0)
		put('C', name, 0, "", 0);
	return fd;
}

#define OPEN(symbol) \
	int symbol(const char *path, int flags, ...) \
	{ \
		va_list ap; \
		mode_t mode; \
\
		va_start(ap, flags); \
		mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0; \
		va_end(ap); \
		return open_real(#symbol, path, flags, mode); \
	}

OPEN(open)
OPEN(open64)

int unlink(const char *path)
{
	int (*real)(const char *);
	const char *name = out >= 0 ? inside(path) : NULL;
	int rc;

	*(void **)&real = next("unlink");
	rc = real(path);
	if (name && *name && rc == 0)
		put('U', name, 0, "", 0);
	return rc;
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *);
	const char *old = out >= 0 ? inside(from) : NULL;
	const char *now = out >= 0 ? inside(to) : NULL;
	int rc;

	*(void **)&real = next("rename");
	rc = real(from, to);
	if (rc == 0 && old && now)
		put('R', old, 0, now, strlen(now));
	return rc;
}

/* ---- to the disk ---- */

static void note_sync(int fd)
{
	char path[PATH_MAX];
	const char *name = name_of(fd, path);

	if (name)
		put(*name ? 'S' : 'D', name, 0, "", 0);
}

int fsync(int fd)
{
	static int (*real)(int);
	int rc;

	if (!real)
		*(void **)&real = next("fsync");
	rc = real(fd);
	if (rc == 0)
		note_sync(fd);
	return rc;
}

int fdatasync(int fd)
{
	static int (*real)(int);
	int rc;

	if (!real)
		*(void **)&real = next("fdatasync");
	rc = real(fd);
	if (rc == 0)
		note_sync(fd);
	return rc;
}

/* ---- answers ---- */

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);

	if (!real)
		*(void **)&real = next("send");
	note_answer(fd, p, n);
	return real(fd, p, n, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
	static ssize_t (*real)(int, const struct msghdr *, int);

	if (!real)
		*(void **)&real = next("sendmsg");
	for (size_t i = 0; i < m->msg_iovlen; i++)
		note_answer(fd, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
	return real(fd, m, flags);
}

ssize_t writev(int fd, const struct iovec *v, int n)
{
	for (int i = 0; i < n; i++)
		note_answer(fd, v[i].iov_base, v[i].iov_len);
	return real_writev(fd, v, n);
}
