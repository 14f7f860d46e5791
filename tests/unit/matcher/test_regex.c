#include "matcher/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

static const struct {
	const char *pattern, *tag;
	enum regex_answer want;
} cases[] = {
	/* the whole tag or nothing */
	{"release-v.*", "release-v1", REGEX_YES},
	{"release-v.*", "release-v", REGEX_YES},
	{"release-v.*", "pre-release-v1", REGEX_NO},
	{"release-v", "release-v1", REGEX_NO},
	{"v1|v2", "v1", REGEX_YES},
	{"v1|v2", "v2", REGEX_YES},
	{"v1|v2", "v12", REGEX_NO},
	{"v1|v2", "xv1", REGEX_NO},
	{"v|v1", "v1", REGEX_YES},
	{"v1(*ACCEPT)|x", "v12", REGEX_NO},
	{"(?:v(*ACCEPT)|v1)", "v1", REGEX_NO},
	/* as it would have been written with anchors */
	{"^release-v.*$", "release-v1", REGEX_YES},
	{"^v1", "v12", REGEX_NO},
	{"2$", "v2", REGEX_NO},
	{"v2$", "v2\n", REGEX_NO},
	/* case and dots */
	{"Release", "release", REGEX_NO},
	{"(?i)Release", "release", REGEX_YES},
	{"v1.2", "v1x2", REGEX_YES},
	{"v1\\.2", "v1x2", REGEX_NO},
	{"v\\d+(\\.\\d+){2}", "v1.22.333", REGEX_YES},
	{"v\\d+(\\.\\d+){2}", "v1.22", REGEX_NO},
	{"v\\d+(\\.\\d+){2}", "v1.22.333-rc1", REGEX_NO},
	{"(?!.*-rc).*", "v1.2", REGEX_YES},
	{"(?!.*-rc).*", "v1.2-rc1", REGEX_NO},
	{"v1\\K", "v1", REGEX_YES},
	{"", "", REGEX_YES},
	{"", "v1", REGEX_NO},
	{".*", "v1", REGEX_YES},
	{"[0-9a-f]{7,40}", "0123abc", REGEX_YES},
	{"[[:alpha:]]+", "abc", REGEX_YES},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		struct regex *r = regex_new(cases[i].pattern, &err);
		enum regex_answer got;

		if (r == NULL)
			fail_msg("%s", err.text);
		got = regex_match(r, str_from(cases[i].tag), &err);
		if (got != cases[i].want)
			fail_msg("`%s` on `%s`: %d", cases[i].pattern,
				cases[i].tag, (int)got);
		regex_free(r);
	}
	regex_free(NULL);
}

static const struct {
	const char *pattern, *says;
} bad[] = {
	{"v(1", "missing closing parenthesis at byte 3 of `v(1`"},
	{"*", "quantifier does not follow a repeatable item at byte 0"},
	{"[a-", "missing terminating ] for character class at byte 3"},
	{"a{2,1}", "numbers out of order in {} quantifier"},
	{"(?<n>a)(?<n>b)", "two named subpatterns have the same name"},
	{"\\C", "using \\C is disabled by the application"},
	{"(*UTF)a", "using UTF is disabled by the application"},
	{"(?P<", "at byte 4"},
	{"(?<=a+)b", "lookbehind assertion is not fixed length"},
	{"\\", "\\ at end of pattern"},
};

static void test_bad_patterns(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct err err = {0};

		assert_null(regex_new(bad[i].pattern, &err));
		if (strstr(err.text, bad[i].says) == NULL)
			fail_msg("`%s`: %s", bad[i].pattern, err.text);
	}
}

static void test_length(void **state)
{
	char pattern[REGEX_PATTERN_MAX + 2];
	struct err err = {0};
	struct regex *r;

	(void)state;
	memset(pattern, 'a', sizeof(pattern));
	pattern[REGEX_PATTERN_MAX + 1] = '\0';
	assert_null(regex_new(pattern, &err));
	pattern[REGEX_PATTERN_MAX] = '\0';
	r = regex_new(pattern, &err);
	assert_non_null(r);
	regex_free(r);
}

/* Each would run for ages on a tag of 128 bytes without the limits. */
static const char *const catastrophic[] = {
	"(a+)+",
	"(a+)+$",
	"(a|aa)+",
	"(a|a?)+$",
	"(.*a){12}",
	"(a*)*",
	"([a-z]+)*",
	"(\\w+\\.?)*",
	"(\\w+)*\\d?",
	"((a|b)*a(a|b){12})+",
	"(?:a?){60}a{60}",
	"(.+)+\\1",
	"(a+)*(a+)*(a+)*",
	"(.*)(.*)(.*)(.*)(.*)=?[^!]",
};

static void test_catastrophic(void **state)
{
	char tag[129];

	(void)state;
	memset(tag, 'a', sizeof(tag));
	tag[127] = '!';
	tag[128] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(catastrophic); i++) {
		struct err err = {0};
		struct regex *r = regex_new(catastrophic[i], &err);
		clock_t start = clock();

		if (r == NULL)
			fail_msg("%s", err.text);
		if (regex_match(r, str_from(tag), &err) != REGEX_UNKNOWN)
			fail_msg("`%s` has an answer", catastrophic[i]);
		assert_non_null(strstr(err.text, "limit exceeded"));
		/* Of the processor, whoever else uses it: 0.1 ms. */
		assert_true(clock() - start < CLOCKS_PER_SEC / 10);
		/* It works on: the limit is for each match. */
		assert_int_not_equal(
			regex_match(r, STR("aaaa"), &err), REGEX_UNKNOWN);
		regex_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_bad_patterns),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_catastrophic),
	};

	return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
