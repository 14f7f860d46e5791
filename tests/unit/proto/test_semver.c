#include "proto/base/semver.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* semver.org 2.0.0, section 11, in its order. */
static const char *const ascending[] = {
	"0.0.0-0", "0.0.0", "0.0.1", "0.1.0", "1.0.0-0", "1.0.0-1", "1.0.0-11",
	"1.0.0--", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
	"1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "v1.0.0",
	"1.0.1", "1.2.0", "1.10.0", "2.0.0", "2.1.0", "2.1.1", "10.0.0",
	"9007199254740991.0.0",
};

static const char *const no_versions[] = {
	"", "v", "1", "1.2", "1.2.3.4", "01.2.3", "1.02.3", "1.2.03", "1.2.3-",
	"1.2.3-01", "1.2.3-a..b", "1.2.3-a.", "1.2.3-a_b", "1.2.3+", "1.2.3 ",
	" 1.2.3", "1.2.x", "latest", "vv1.2.3", "V1.2.3", "-1.2.3", "1.2.3rc1",
	"9007199254740992.0.0", "99999999999999999999.0.0", "1..3", "1.2.",
};

static struct semver parse(const char *text)
{
	struct semver v;

	if (semver_parse(str_from(text), &v) < 0)
		fail_msg("`%s` is a version", text);
	return v;
}

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ascending); i++) {
		for (size_t k = 0; k < ARRAY_LEN(ascending); k++) {
			struct semver a = parse(ascending[i]);
			struct semver b = parse(ascending[k]);
			int got = semver_compare(&a, &b);

			if ((i < k) != (got < 0) || (i > k) != (got > 0))
				fail_msg("%s and %s: %d", ascending[i],
					ascending[k], got);
		}
	}
}

static void test_parse(void **state)
{
	struct semver v, w;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_versions); i++)
		if (semver_parse(str_from(no_versions[i]), &v) == 0)
			fail_msg("`%s` is no version", no_versions[i]);
	v = parse("1.2.3-rc.1+build.007");
	w = parse("v1.2.3-rc.1");
	assert_int_equal(semver_compare(&v, &w), 0);
	assert_true(str_is(v.pre, "rc.1"));
}

/* Answers as node-semver gives them. */
static const struct {
	const char *range, *version;
	bool has;
} cases[] = {
	{">=1.4 <2", "1.4.0", true}, {">=1.4 <2", "1.99.9", true},
	{">=1.4 <2", "1.3.9", false}, {">=1.4 <2", "2.0.0", false},
	{">=1.4 <2", "2.0.0-rc.1", false}, {">=1.4 <2", "1.5.0-rc.1", false},
	{">= 1.4 < 2", "1.4.0", true},
	{">=1.4.0-rc.1 <2", "1.4.0-rc.2", true},
	{">=1.4.0-rc.1 <2", "1.4.0-beta", false},
	{">=1.4.0-rc.1 <2", "1.4.1-rc.2", false},
	{"1.2.3", "1.2.3", true}, {"=1.2.3", "1.2.3", true},
	{"v1.2.3", "1.2.3", true}, {"1.2.3", "1.2.4", false},
	{"1.2.3", "1.2.3-rc", false}, {"1.2.3-rc", "1.2.3-rc", true},
	{"1.2", "1.2.9", true}, {"1.2", "1.3.0", false}, {"1", "1.9.9", true},
	{"1.x", "1.9.9", true}, {"1.x", "2.0.0", false},
	{"1.x.3", "1.0.0", true}, {"1.2.*", "1.2.0", true},
	{"*", "0.0.0", true}, {"*", "1.0.0-rc", false}, {"", "5.0.0", true},
	{">1.2", "1.2.9", false}, {">1.2", "1.3.0", true},
	{">1", "1.9.9", false}, {">1", "2.0.0", true},
	{"<=1.2", "1.2.9", true}, {"<=1.2", "1.3.0", false},
	{"<1.2", "1.1.9", true}, {"<1.2", "1.2.0", false},
	{"<1.2", "1.2.0-rc", false}, {">*", "1.0.0", false},
	{"<*", "0.0.0", false}, {">=*", "1.0.0", true},
	{"<=1.2.3", "1.2.3", true}, {"<1.2.3", "1.2.3", false},
	{">1.2.3", "1.2.3", false}, {">1.2.3", "1.2.4", true},
	{"~1.2.3", "1.2.9", true}, {"~1.2.3", "1.2.2", false},
	{"~1.2.3", "1.3.0", false}, {"~1.2", "1.2.0", true},
	{"~1", "1.9.0", true}, {"~1", "2.0.0", false}, {"~>1.2", "1.2.5", true},
	{"~0.2.3", "0.2.4", true}, {"~1.2.3-b.2", "1.2.3-b.4", true},
	{"~1.2.3-b.2", "1.2.4-b.4", false},
	{"^1.2.3", "1.9.9", true}, {"^1.2.3", "2.0.0", false},
	{"^1.2.3", "1.2.2", false}, {"^0.2.3", "0.2.9", true},
	{"^0.2.3", "0.3.0", false}, {"^0.0.3", "0.0.3", true},
	{"^0.0.3", "0.0.4", false}, {"^1.2.3-b.2", "1.2.3-b.4", true},
	{"^1.2.3-b.2", "1.2.4-b.4", false}, {"^0.0.3-b", "0.0.3-c", true},
	{"^1.2.x", "1.3.0", true}, {"^0.0.x", "0.0.9", true},
	{"^0.0.x", "0.1.0", false}, {"^0.0", "0.0.9", true},
	{"^0.x", "0.9.9", true}, {"^0.x", "1.0.0", false},
	{"^1.x", "1.0.0", true}, {"^1.x", "2.0.0", false},
	{"1.2.3 - 2.3.4", "2.3.4", true}, {"1.2.3 - 2.3.4", "2.3.5", false},
	{"1.2 - 2.3.4", "1.2.0", true}, {"1.2.3 - 2.3", "2.3.9", true},
	{"1.2.3 - 2.3", "2.4.0", false}, {"1.2.3 - 2", "2.9.9", true},
	{"1.2.3 - 2", "3.0.0", false},
	{"1.2.7 || >=1.2.9 <2.0.0", "1.2.7", true},
	{"1.2.7 || >=1.2.9 <2.0.0", "1.2.8", false},
	{"1.2.7||>=1.2.9 <2.0.0", "1.4.6", true},
	{"^1 || ^3", "2.5.0", false}, {"^1 || ^3", "3.5.0", true},
	{"1 ||", "7.0.0", true},
};

static const char *const no_ranges[] = {
	">", ">= ", "a", "1.2.3.4", "1.2.", "1..2", ">=1.4,<2", "01.2", "1.2-rc",
	"=>1.2", "1.2.3 -", "- 1.2.3", "> > 1", "1 || b", "^", "~ ~1", "| 1",
	"99999999999999999999",
};

static void test_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		struct semver_range *r = semver_range_new(
			cases[i].range, &err);
		struct semver v = parse(cases[i].version);

		if (r == NULL)
			fail_msg("%s", err.text);
		if (semver_range_has(r, &v) != cases[i].has)
			fail_msg("%s in `%s`", cases[i].version,
				cases[i].range);
		semver_range_free(r);
	}
	semver_range_free(NULL);
}

static void test_no_ranges(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(no_ranges); i++) {
		struct err err = {0};

		if (semver_range_new(no_ranges[i], &err) != NULL)
			fail_msg("`%s` is no range", no_ranges[i]);
		assert_non_null(strstr(err.text, "is no range of versions"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_no_ranges),
	};

	return cmocka_run_group_tests_name("semver", tests, NULL, NULL);
}
