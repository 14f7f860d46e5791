#include "matcher/outage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_note(void **state)
{
	static const struct {
		const char *name;
		bool there;
		int64_t now, want;
	} steps[] = {
		{"a", true, 100, 0},
		{"a", false, 200, 0},
		{"b", false, 250, 0},
		{"a", false, 1200, 1000},
		{"b", false, 1250, 1000},
		{"b", true, 1300, 0},
		{"a", false, 5200, 5000},
		{"b", false, 5200, 0},
		{"a", true, 5300, 0},
		{"a", false, 5400, 0},
		{"a", false, 5401, 1},
	};
	struct outages o = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int64_t got = outage_note(&o, steps[i].name, steps[i].there,
			steps[i].now);

		if (got != steps[i].want)
			fail_msg("step %zu: %lld", i, (long long)got);
	}
	outages_release(&o);
}

static void test_delay(void **state)
{
	static const int64_t cases[][2] = {{0, 1000}, {3000, 1000},
		{8000, 2000}, {60000, 15000}, {120000, 30000},
		{INT64_MAX, 30000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(outage_delay(cases[i][0]), cases[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_note),
		cmocka_unit_test(test_delay),
	};

	return cmocka_run_group_tests_name("outage", tests, NULL, NULL);
}
