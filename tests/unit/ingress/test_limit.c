#include "ingress/limit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct conf_source sources[] = {
	{.rate = 10, .burst = 3},
	{.rate = 1, .burst = 1},
};
static const struct conf_source other;
static const struct conf conf = {.sources = {sources, ARRAY_LEN(sources)}};

static void test_table(void **state)
{
	static const struct {
		const struct conf_source *source;
		int64_t now;
		int want;
	} steps[] = {
		{&sources[0], 1000, 0}, {&sources[0], 1000, 0},
		{&sources[0], 1000, 0}, {&sources[0], 1000, 1},
		/* Another source has its own. */
		{&sources[1], 1000, 0}, {&sources[1], 1000, 1},
		{&sources[1], 1999, 1}, {&sources[1], 2000, 0},
		/* One comes back each 100 ms. */
		{&sources[0], 1099, 1}, {&sources[0], 1100, 0},
		{&sources[0], 1100, 1}, {&sources[0], 1305, 0},
		{&sources[0], 1305, 0}, {&sources[0], 1305, 1},
		/* Never more than the bucket holds. */
		{&sources[0], 900000, 0}, {&sources[0], 900000, 0},
		{&sources[0], 900000, 0}, {&sources[0], 900000, 1},
		/* A clock that stands still or steps back gives nothing. */
		{&sources[0], 899000, 1},
	};
	struct limit *l = limit_new(&conf);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		int got = limit_take(l, steps[i].source, steps[i].now);

		if (got != steps[i].want)
			fail_msg("step %zu: %d", i, got);
	}
	for (int i = 0; i < LIMIT_BURST; i++)
		assert_int_equal(limit_take(l, &other, 5), 0);
	assert_int_equal(limit_take(l, &other, 5), 1);
	limit_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
