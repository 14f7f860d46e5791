#include "ingress/aside.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_queue(void **state)
{
	struct aside a = {0};
	int64_t next = 1;

	(void)state;
	assert_int_equal(aside_due(&a, INT64_MAX), 0);
	aside_add(&a, 7, 100);
	assert_int_equal(aside_due(&a, 99), 0);
	assert_int_equal(aside_due(&a, 100), 7);
	assert_int_equal(aside_due(&a, 100), 7);
	aside_pop(&a);
	assert_int_equal(aside_len(&a), 0);
	/* Always more in than out, then all out: order and number hold. */
	for (int64_t i = 1; i <= 3000; i++) {
		aside_add(&a, i, i);
		if (i % 3 == 0)
			continue;
		assert_int_equal(aside_due(&a, i), next);
		aside_pop(&a);
		next++;
	}
	assert_int_equal(aside_len(&a), 1000);
	for (; next <= 3000; next++) {
		assert_int_equal(aside_due(&a, 3000), next);
		aside_pop(&a);
	}
	assert_int_equal(aside_len(&a), 0);
	assert_int_equal(a.entries.n, 0);
	aside_release(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),
	};

	return cmocka_run_group_tests_name("aside", tests, NULL, NULL);
}
