#include "deployer/http/receiver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>


#define HOUR ((int64_t)3600 * 1000)
#define T0 ((int64_t)1700000000000)

static void test_gone(void **state)
{
	struct receiver r = {0};

	(void)state;
	assert_true(receiver_note(&r, RECEIVER_SAID_GONE, T0));
	assert_int_equal(receiver_gate(&r, T0 + 1000 * HOUR), RECEIVER_GONE);
	assert_int_equal(r.gone_since, T0);
}

/* One failure an hour: open for 120 hours, then one probe an hour. */
static void test_suspended(void **state)
{
	struct receiver r = {0};

	(void)state;
	for (int h = 0; h <= 120; h++) {
		int64_t now = T0 + h * HOUR;

		assert_int_equal(receiver_gate(&r, now), RECEIVER_OPEN);
		assert_int_equal(receiver_note(&r, RECEIVER_FAILED, now),
			h == 0 || h == 120);
	}
	for (int h = 120; h < 1000; h++) {
		int64_t now = T0 + h * HOUR;

		assert_int_equal(receiver_gate(&r, now), RECEIVER_SUSPENDED);
		assert_int_equal(receiver_gate(&r, now + HOUR - 1),
			RECEIVER_SUSPENDED);
		assert_int_equal(
			receiver_gate(&r, now + HOUR), RECEIVER_PROBE);
		assert_true(receiver_note(&r, RECEIVER_FAILED, now + HOUR));
	}
	assert_int_equal(r.failing_since, T0);
	assert_true(receiver_note(&r, RECEIVER_TOOK, T0 + 1001 * HOUR));
	assert_int_equal(
		receiver_gate(&r, T0 + 1001 * HOUR), RECEIVER_OPEN);
}

/* A success in between starts the five days anew. */
static void test_only_failures_count(void **state)
{
	struct receiver r = {0};

	(void)state;
	assert_false(receiver_note(&r, RECEIVER_TOOK, T0));
	assert_true(receiver_note(&r, RECEIVER_FAILED, T0));
	assert_true(receiver_note(&r, RECEIVER_TOOK, T0 + 119 * HOUR));
	assert_true(receiver_note(&r, RECEIVER_FAILED, T0 + 120 * HOUR));
	assert_int_equal(receiver_gate(&r, T0 + 120 * HOUR), RECEIVER_OPEN);
	assert_false(receiver_note(&r, RECEIVER_FAILED, T0 + 239 * HOUR));
	assert_true(receiver_note(&r, RECEIVER_FAILED, T0 + 240 * HOUR));
	assert_int_equal(
		receiver_gate(&r, T0 + 240 * HOUR), RECEIVER_SUSPENDED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_suspended),
		cmocka_unit_test(test_only_failures_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
