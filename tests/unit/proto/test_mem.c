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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_overflow_exits),
		cmocka_unit_test(test_vec),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
