/*
 * A unit test's program when memory runs out, as a library to preload: its
 * tests run once for each of their allocations (ALLOC_RUNS of them, evenly, when
 * there are more) with that one failing. The tests may fail then, since they
 * were not promised it; but each run must end by itself or say why it cannot go
 * on, as xmalloc does. cmocka's own allocations do not fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RUNS 100 /* unless ALLOC_RUNS says another number */
#define SECONDS 60

/* The allocator of the address sanitizer, in a build that has it. */
#pragma weak __interceptor_malloc
#pragma weak __interceptor_calloc
#pragma weak __interceptor_realloc
extern void *__interceptor_malloc(size_t n);
extern void *__interceptor_calloc(size_t n, size_t size);
extern void *__interceptor_realloc(void *p, size_t n);
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

typedef int run_group_fn(const char *name, const struct CMUnitTest *tests,
	size_t n, CMFixtureFunction setup, CMFixtureFunction teardown);

static long *calls; /* NULL: not in the tests yet; shared with the child */
static long fails_at;
static char *cmocka_from, *cmocka_to;

static bool fails(const void *caller)
{
	const char *at = caller;

	if (calls == NULL || (at >= cmocka_from && at < cmocka_to) ||
		++*calls != fails_at)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return __interceptor_malloc ? __interceptor_malloc(n) :
				      __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return __interceptor_calloc ? __interceptor_calloc(n, size) :
				      __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return __interceptor_realloc ? __interceptor_realloc(p, n) :
				       __libc_realloc(p, n);
}

/* Where cmocka's code lies, from the process's own map. */
static void find_cmocka(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512], *from, *to;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (!strstr(line, " r-xp ") || !strstr(line, "libcmocka"))
			continue;
		sscanf(line, "%p-%p", (void **)&from, (void **)&to);
		cmocka_from = from;
		cmocka_to = to;
	}
	if (maps)
		fclose(maps);
}

/* libcrypto 3.0 crashes in its own start when it gets no memory there. */
static void start_libcrypto(void)
{
	int (*digest)(void *ctx, const char *name, const char *query,
		const void *data, size_t n, unsigned char *out, size_t *size);
	void *found = dlsym(RTLD_DEFAULT, "EVP_Q_digest");
	unsigned char out[64];
	size_t size = sizeof(out);

	if (!found)
		return; /* it is not used */
	memcpy(&digest, &found, sizeof(digest));
	digest(NULL, "SHA256", NULL, "", 0, out, &size);
}

/* Nothing to complain of: it ended by itself, or said why it cannot go on. */
static bool told(int out, int status, bool *stopped, const char **text_out)
{
	static char text[1 << 20];
	ssize_t n = pread(out, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	*text_out = text;
	*stopped = strstr(text, "out of memory") || strstr(text, "bug at");
	return (WIFEXITED(status) || *stopped) &&
		!strstr(text, "with exception") &&
		!strstr(text, "AddressSanitizer");
}

int _cmocka_run_group_tests(const char *name, const struct CMUnitTest *tests,
	size_t n, CMFixtureFunction setup, CMFixtureFunction teardown)
{
	const char *given = getenv("ALLOC_RUNS");
	long all = 0, most = given ? strtol(given, NULL, 10) : RUNS;
	long runs = 0, ended = 0, bad = 0;
	void *found = dlsym(RTLD_NEXT, "_cmocka_run_group_tests");
	long *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run_group_fn *run;

	memcpy(&run, &found, sizeof(run));
	find_cmocka();
	start_libcrypto();
	/* The first one counts. */
	for (long at = 0; at == 0 || at <= all; at += at ? all / most + 1 : 1) {
		int out = memfd_create("out", 0), status;
		bool stopped;
		const char *text;
		pid_t child;

		*shared = 0;
		fflush(NULL);
		child = fork();
		if (child == 0) {
			dup2(out, 1);
			dup2(out, 2);
			alarm(SECONDS);
			fails_at = at;
			calls = shared;
			_exit(run(name, tests, n, setup, teardown) != 0);
		}
		waitpid(child, &status, 0);
		if (at == 0)
			all = *shared;
		runs += at > 0;
		if (!told(out, status, &stopped, &text)) {
			bad++;
			printf("%s\nallocation %ld: status %x\n", text, at,
				(unsigned)status);
		}
		ended += stopped;
		close(out);
	}
	printf("%s: %ld failed allocations, %ld ended it, %ld went on, %ld "
	       "wrong\n", program_invocation_short_name, runs, ended,
		runs - ended - bad, bad);
	fflush(stdout);
	_exit(bad != 0 || runs == 0);
}
