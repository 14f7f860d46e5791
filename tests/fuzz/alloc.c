/*
 * A fuzz target when memory runs out: alloc FOLDER... runs every file of the
 * folders once for each of its allocations (RUNS of them, evenly, when there
 * are more) with that one failing. Each run must go on with the right answer, or
 * say so and end, as xmalloc does: nothing may be used that was not had.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS 100 /* unless ALLOC_RUNS says another number */
#define INPUT_MAX 65536

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

static long left = -1; /* allocations until one fails; -1: none does */
static long calls;

static bool fails(void)
{
	calls++;
	if (left < 0 || left-- != 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	return fails() ? NULL : __libc_realloc(p, n);
}

static uint8_t input[INPUT_MAX];
static size_t input_n;
static long runs, stopped, bad;

/* It ended with a sentence: of xmalloc, or of BUG() where a library had no
 * memory. */
static bool told(int out)
{
	char text[512] = "";

	if (pread(out, text, sizeof(text) - 1, 0) < 0)
		return false;
	return strstr(text, "out of memory") || strstr(text, "bug at");
}

static void run_failing(const char *path, long at)
{
	int out = memfd_create("stderr", 0), status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		dup2(out, 2);
		left = at;
		(void)LLVMFuzzerTestOneInput(input, input_n);
		_exit(0);
	}
	waitpid(child, &status, 0);
	runs++;
	if (status != 0 && told(out)) {
		stopped++;
	} else if (status != 0) {
		bad++;
		printf("%s, allocation %ld: status %x\n", path, at,
			(unsigned)status);
	}
	close(out);
}

static void run_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, input, sizeof(input)) : -1;
	const char *given = getenv("ALLOC_RUNS");
	long all, most = given ? strtol(given, NULL, 10) : RUNS;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return;
	input_n = (size_t)n;
	calls = 0;
	(void)LLVMFuzzerTestOneInput(input, input_n);
	all = calls;
	for (long at = 0; at < all; at += all / most + 1)
		run_failing(path, at);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		DIR *d = opendir(argv[i]);
		struct dirent *e;
		char path[4096];

		while (d && (e = readdir(d))) {
			snprintf(path, sizeof(path), "%s/%s", argv[i],
				e->d_name);
			if (e->d_name[0] != '.')
				run_file(path);
		}
		if (d)
			closedir(d);
	}
	printf("%s: %ld failed allocations, %ld ended it, %ld went on, %ld "
	       "wrong\n", argv[0], runs, stopped, runs - stopped - bad, bad);
	return bad != 0 || runs == 0;
}
