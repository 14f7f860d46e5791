/*
 * The calls by which SQLite and we change a file, before those of libc: a
 * program's own symbols are found first. Each is counted by its kind, and the
 * one that is armed fails.
 */
#include "tests/crash/stores.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault armed;
static char root[PATH_MAX];
static long calls;
static bool hit;

void faulty_arm(const struct fault *f, const char *dir)
{
	pthread_mutex_lock(&lock);
	armed = f ? *f : (struct fault){0};
	snprintf(root, sizeof(root), "%s/", dir ? dir : "");
	calls = 0;
	if (f)
		hit = false;
	pthread_mutex_unlock(&lock);
}

bool faulty_hit(void)
{
	return hit;
}

static bool fails(const char *call, const char *path)
{
	bool now = false;

	pthread_mutex_lock(&lock);
	if (armed.call && strcmp(armed.call, call) == 0 &&
		strncmp(path, root, strlen(root)) == 0) {
		calls++;
		now = armed.lasts ? calls >= armed.at : calls == armed.at;
		hit |= now;
	}
	pthread_mutex_unlock(&lock);
	if (now)
		errno = armed.error;
	return now;
}

static bool fd_fails(const char *call, int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!armed.call)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 2);
	if (n < 0)
		return false;
	path[n] = '/'; /* the folder itself is below it, too */
	path[n + 1] = '\0';
	return fails(call, path);
}

static void *next(const char *name)
{
	void *fn = dlsym(RTLD_NEXT, name);

	if (!fn)
		abort();
	return fn;
}

#define WRAP(kind, rest, name, params, args) \
	rest name params; \
	rest name params \
	{ \
		static rest (*real) params; \
\
		if (!real) \
			*(void **)&real = next(#name); \
		return fd_fails(kind, fd) ? -1 : real args; \
	}

WRAP("write", ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP("write", ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at),
	(fd, p, n, at))
WRAP("write", ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at),
	(fd, p, n, at))
WRAP("sync", int, fsync, (int fd), (fd))
WRAP("sync", int, fdatasync, (int fd), (fd))
WRAP("truncate", int, ftruncate, (int fd, off_t n), (fd, n))
WRAP("truncate", int, ftruncate64, (int fd, off64_t n), (fd, n))

#define WRAP_OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		static int (*real)(const char *, int, ...); \
		va_list ap; \
		mode_t mode; \
\
		if (!real) \
			*(void **)&real = next(#name); \
		va_start(ap, flags); \
		mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0; \
		va_end(ap); \
		return fails("open", path) ? -1 : real(path, flags, mode); \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)
