/*
 * Linked into each unit test's program: what it makes by mkdtemp() and
 * mkstemp() is gone when it has ended, also by a signal or amid a test that
 * failed. A process of its own waits for that: it is told each path by a pipe,
 * and its end of the pipe ends with the last who has the other. No allocations:
 * those may be made to fail (alloc_unit.c).
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATHS_MAX 65536 /* bytes of paths that are remembered */

static int told = -1;
static pid_t whose; /* a process that was forked has a helper of its own */

static void clean(int from)
{
	static char paths[PATHS_MAX], rest[4096];
	size_t n = 0;
	ssize_t got;

	while ((got = read(from, paths + n, sizeof(paths) - n)) > 0)
		n += (size_t)got;
	while (read(from, rest, sizeof(rest)) > 0)
		;
	for (size_t at = 0; at < n; at += strnlen(paths + at, n - at) + 1) {
		char *argv[] = {"rm", "-rf", "--", paths + at, NULL};
		pid_t child = fork();

		if (child == 0) {
			execvp(argv[0], argv);
			_exit(127);
		}
		waitpid(child, NULL, 0);
	}
	_exit(0);
}

static void begin(void)
{
	int ends[2];
	pid_t child;

	whose = getpid();
	if (told >= 0)
		close(told);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	child = fork();
	if (child == 0) {
		setsid();
		if (fork() != 0)
			_exit(0); /* nobody's child: no test waits for it */
		for (int fd = 0; fd < 1024; fd++)
			if (fd != ends[0])
				close(fd);
		clean(ends[0]);
	}
	waitpid(child, NULL, 0);
	close(ends[0]);
	/* Out of the way of tests that look at descriptors. */
	told = fcntl(ends[1], F_DUPFD_CLOEXEC, 900);
	if (told >= 0)
		close(ends[1]);
	else
		told = ends[1];
}

static void note(const char *path)
{
	size_t n = strlen(path) + 1;

	if (whose != getpid())
		begin();
	if (told >= 0 && path[0] == '/' && n < PATH_MAX)
		(void)!write(told, path, n);
}

char *mkdtemp(char *template)
{
	char *(*real)(char *);
	void *found = dlsym(RTLD_NEXT, "mkdtemp");
	char *made;

	memcpy(&real, &found, sizeof(real));
	made = real(template);
	if (made)
		note(made);
	return made;
}

int mkstemp(char *template)
{
	int (*real)(char *);
	void *found = dlsym(RTLD_NEXT, "mkstemp");
	int fd;

	memcpy(&real, &found, sizeof(real));
	fd = real(template);
	if (fd >= 0)
		note(template);
	return fd;
}
