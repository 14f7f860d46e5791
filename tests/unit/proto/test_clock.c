#include "proto/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static void test_clock(void **state)
{
	int64_t before = clock_mono();
	int64_t wall = clock_wall();

	(void)state;
	clock_sleep(20);
	assert_true(clock_mono() >= before + 20);
	assert_true(clock_mono() < before + 5000);
	assert_true(llabs(wall - (int64_t)time(NULL) * 1000) < 2000);
	clock_sleep(0);
	clock_sleep(-5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
