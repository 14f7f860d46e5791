/*
 * The calls by which SQLite and we read and change a file, before those of
 * libc: a program's own symbols, and those of a preloaded library, are found
 * first.
 */
/* With it clang's read() is an inline function. */
#undef _FORTIFY_SOURCE
#include "tests/crash/faulty.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct faulty *state; /* NULL: nothing fails */
static char root[PATH_MAX];

void faulty_use(struct faulty *s, const char *dir)
{
	pthread_mutex_lock(&lock);
	state = s;
	snprintf(root, sizeof(root), "%s/", dir ? dir : "");
	pthread_mutex_unlock(&lock);
}

static bool armed(unsigned call)
{
	return state && state->calls & call;
}

static bool fails(unsigned call, const char *path)
{
	bool now = false;

	pthread_mutex_lock(&lock);
	if (armed(call) && strncmp(path, root, strlen(root)) == 0) {
		state->seen++;
		now = state->seen >= state->at && state->seen <= state->upto;
		state->hits += now;
		if (now)
			errno = state->error;
	}
	pthread_mutex_unlock(&lock);
	return now;
}

static bool fd_fails(unsigned call, int fd)
{
	char link[64], path[PATH_MAX];
	ssize_t n;

	if (!armed(call))
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

#define REAL(name, rest, params) \
	static rest (*real) params; \
\
	if (!real) \
	*(void **)&real = next(#name)

#define WRAP(call, rest, name, params, args) \
	rest name params; \
	rest name params \
	{ \
		REAL(name, rest, params); \
		return fd_fails(call, fd) ? -1 : real args; \
	}

/* Half of it, then the error; or half of it and no word. */
#define WRAP_BYTES(call, half, wrong, name, params, args, halved) \
	ssize_t name params; \
	ssize_t name params \
	{ \
		REAL(name, ssize_t, params); \
		if (fd_fails(call, fd)) \
			return -1; \
		if (n > 1 && fd_fails(half, fd)) { \
			int error = errno; \
			ssize_t rc = real halved; \
\
			errno = error; \
			return (wrong) ? -1 : rc; \
		} \
		return real args; \
	}

#define WRAP_WRITE(name, params, args, halved) \
	WRAP_BYTES(FAULTY_WRITE, FAULTY_TORN, true, name, params, args, halved)
#define WRAP_READ(name, params, args, halved) \
	WRAP_BYTES(FAULTY_READ, FAULTY_SHORT, false, name, params, args, halved)

WRAP_WRITE(write, (int fd, const void *p, size_t n), (fd, p, n),
	(fd, p, n / 2))
WRAP_WRITE(pwrite, (int fd, const void *p, size_t n, off_t at),
	(fd, p, n, at), (fd, p, n / 2, at))
WRAP_WRITE(pwrite64, (int fd, const void *p, size_t n, off64_t at),
	(fd, p, n, at), (fd, p, n / 2, at))
WRAP_READ(read, (int fd, void *p, size_t n), (fd, p, n), (fd, p, n / 2))
WRAP_READ(pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at),
	(fd, p, n / 2, at))
WRAP_READ(pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at),
	(fd, p, n / 2, at))
WRAP(FAULTY_SYNC, int, fsync, (int fd), (fd))
WRAP(FAULTY_SYNC, int, fdatasync, (int fd), (fd))
WRAP(FAULTY_TRUNCATE, int, ftruncate, (int fd, off_t n), (fd, n))
WRAP(FAULTY_TRUNCATE, int, ftruncate64, (int fd, off64_t n), (fd, n))

#define WRAP_OPEN(name) \
	int name(const char *path, int flags, ...) \
	{ \
		va_list ap; \
		mode_t mode; \
		REAL(name, int, (const char *, int, ...)); \
		va_start(ap, flags); \
		mode = flags & O_CREAT ? va_arg(ap, mode_t) : 0; \
		va_end(ap); \
		return fails(FAULTY_OPEN, path) ? -1 : real(path, flags, mode); \
	}

WRAP_OPEN(open)
WRAP_OPEN(open64)

int unlink(const char *path)
{
	REAL(unlink, int, (const char *));
	return fails(FAULTY_UNLINK, path) ? -1 : real(path);
}

int rename(const char *from, const char *to)
{
	REAL(rename, int, (const char *, const char *));
	return fails(FAULTY_RENAME, to) ? -1 : real(from, to);
}
