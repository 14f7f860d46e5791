#include "deployer/queue/version.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Each before the next; of `=` the same as the one before. */
static const char *const order[] = {
	"semver 0.9.0", "semver 1.0.0-alpha", "semver 1.0.0-rc.2",
	"semver 1.0.0-rc.10", "semver 1.0.0", "semver 1.0.1", "semver 1.9.0",
	"semver 1.10.0", "semver 10.0.0",
};

static const char *const groups[] = {
	"groups ", "groups 1", "groups 1/", "groups 1/0", "groups 1/2",
	"groups 1/2/0", "groups 1/2/0a", "groups 1/10", "groups 1/a",
	"groups 1/b", "groups 2", "groups 10",
	"groups 99999999999999999999999999", "groups 100000000000000000000000000",
	"groups a", "groups ab",
};

static void check(const char *const *list, size_t n)
{
	int got;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			if (version_compare(list[i], list[k], &got) < 0)
				fail_msg("%s, %s", list[i], list[k]);
			if (got != (i > k) - (i < k))
				fail_msg("%s, %s: %d", list[i], list[k], got);
		}
}

static void test_order(void **state)
{
	int got;

	(void)state;
	check(order, ARRAY_LEN(order));
	check(groups, ARRAY_LEN(groups));
	assert_int_equal(version_compare("groups 007/1", "groups 7/01", &got),
		0);
	assert_int_equal(got, 0);
}

static void test_not_comparable(void **state)
{
	static const char *const pairs[][2] = {
		{"semver 1.0.0", "groups 1"}, {"groups 1", "semver 1.0.0"},
		{"", ""}, {"1.0.0", "1.0.0"}, {"semver 1", "semver 1.0.0"},
		{"semver 1.0.0", "semver "}, {"other 1", "other 2"},
	};
	int got;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (version_compare(pairs[i][0], pairs[i][1], &got) == 0)
			fail_msg("%s, %s", pairs[i][0], pairs[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_not_comparable),
	};

	return cmocka_run_group_tests_name("version", tests, NULL, NULL);
}
