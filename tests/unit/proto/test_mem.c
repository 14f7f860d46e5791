#include "proto/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/vec.h"

static void test_copies(void **state)
{
	char *s = xprintf("%s-%d", "a", 5);

	(void)state;
	assert_string_equal(s, "a-5");
	free_null(&s);
	assert_null(s);
	s = xmemdup0("a\0b", 3);
	assert_memory_equal(s, "a\0b", 4);
	free(s);
	s = xmemdup0(NULL, 0);
	assert_string_equal(s, "");
	free(s);
	assert_null(xstrdup_null(NULL));
	s = xcalloc(0, 8);
	assert_non_null(s);
	free(s);
}

static void test_overflow_exits(void **state)
{
	volatile size_t n = SIZE_MAX / 2;
	pid_t child;
	int status;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(STDERR_FILENO);
		free(xreallocarray(NULL, n, 8));
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 71);
}

static void test_vec(void **state)
{
	VEC(int) v = {0};

	(void)state;
	for (int i = 0; i < 100; i++)
		VEC_PUSH(&v, i);
	assert_int_equal(v.n, 100);
	assert_int_equal(v.v[99], 99);
	VEC_REMOVE_SWAP(&v, 0);
	assert_int_equal(v.v[0], 99);
	assert_int_equal(v.n, 99);
	VEC_RELEASE(&v);
	assert_null(v.v);
}

static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long size, resident;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* The last one holds the heap's end: without being told, nothing goes back. */
static void test_give_back(void **state)
{
	enum { PIECES = 32 << 10, PIECE = 1 << 10 };
	static char *pieces[PIECES];
	long before, with, after;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip(); /* it has an allocator of its own */
#endif
	before = resident_kib();
	for (size_t i = 0; i < PIECES; i++)
		pieces[i] = memset(xmalloc(PIECE), 1, PIECE);
	with = resident_kib();
	assert_true(with - before >= PIECES * PIECE / 1024);
	for (size_t i = 0; i < PIECES - 1; i++)
		free(pieces[i]);
	mem_give_back();
	after = resident_kib();
	assert_true(after - before < (with - before) / 4);
	assert_int_equal(pieces[PIECES - 1][0], 1);
	free(pieces[PIECES - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_overflow_exits),
		cmocka_unit_test(test_vec),
		cmocka_unit_test(test_give_back),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
