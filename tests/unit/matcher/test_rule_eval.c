#include "matcher/rule_eval.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "matcher/rule_index.h"
#include "proto/msg/job.h"

static char *release_tags[] = {"latest", "stable"};
static char *one_tag[] = {"v1.2"};

static struct rule rules[] = {
	{.name = "web", .repository = "shop/web", .method = RULE_EXPRESSION,
		.expression = "release-v.*"},
	{.name = "worker", .repository = "shop/worker", .method = RULE_TAGS,
		.tags = release_tags, .n_tags = 2},
	{.name = "all", .repository = "shop/api"},
	{.name = "one", .repository = "shop/one", .method = RULE_TAGS,
		.tags = one_tag, .n_tags = 1},
	{.name = "slow", .repository = "shop/slow", .method = RULE_EXPRESSION,
		.expression = "(a+)+"},
	{.name = "second", .repository = "*/web", .method = RULE_TAGS,
		.tags = release_tags, .n_tags = 2},
	{.name = "range", .repository = "shop/range", .semver = ">=1.4 <2"},
	{.name = "no-rc", .repository = "shop/no-rc", .exclude = ".*-rc.*"},
	{.name = "both", .repository = "shop/both", .method = RULE_EXPRESSION,
		.expression = "v.*", .exclude = "(a+)+|v1\\.5.*",
		.semver = "1.x"},
	{.name = "newer", .repository = "shop/newer", .newer_only = true},
	{.name = "groups", .repository = "shop/groups", .newer_only = true,
		.method = RULE_EXPRESSION,
		.expression = "v(?<major>\\d+)\\.(\\d+)(?<patch>-.*)?"},
	{.name = "nested", .repository = "shop/nested", .newer_only = true,
		.method = RULE_EXPRESSION,
		.expression = "(?<a>(?<b>(?<c>(?<d>(?<e>(?<f>.*))))))"},
};

static struct ruleset set = {.rules = rules, .n = ARRAY_LEN(rules)};

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < set.n; i++) {
		struct rule *r = &rules[i];

		if (r->expression != NULL)
			r->regex = regex_new(r->expression, NULL);
		if (r->exclude != NULL)
			r->exclude_regex = regex_new(r->exclude, NULL);
		if (r->semver != NULL)
			r->range = semver_range_new(r->semver, NULL);
		if (!r->regex != !r->expression || !r->range != !r->semver ||
			!r->exclude_regex != !r->exclude)
			return -1;
	}
	set.index = rule_index_new(rules, set.n);
	return 0;
}

static void release(struct rule *r)
{
	regex_free(r->regex);
	regex_free(r->exclude_regex);
	semver_range_free(r->range);
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < set.n; i++)
		release(&rules[i]);
	rule_index_free(set.index);
	return 0;
}

/* Each case is one answer of the event; the same event's follow in order. */
static const struct {
	char *repository, *tag;
	const char *rule;
	enum rule_verdict verdict;
	const char *reason;
} cases[] = {
	{"shop/web", "release-v2", "web", RULE_MATCHED,
		"tag `release-v2` matches `release-v.*`"},
	{"shop/web", "release-v2", "second", RULE_UNTRIGGERED,
		"tag `release-v2` is not one of `latest`, `stable`"},
	{"shop/web", "v1.2-rc", "web", RULE_UNTRIGGERED,
		"tag `v1.2-rc` does not match `release-v.*`"},
	{"shop/web", "v1.2-rc", "second", RULE_UNTRIGGERED,
		"tag `v1.2-rc` is not one of `latest`, `stable`"},
	{"shop/web", "pre-release-v1", "web", RULE_UNTRIGGERED,
		"tag `pre-release-v1` does not match `release-v.*`"},
	{"shop/web", "pre-release-v1", "second", RULE_UNTRIGGERED, NULL},
	{"shop/web", "Release-v1", "web", RULE_UNTRIGGERED, NULL},
	{"shop/web", "Release-v1", "second", RULE_UNTRIGGERED, NULL},
	{"shop/worker", "latest", "worker", RULE_MATCHED,
		"tag `latest` is one of `latest`, `stable`"},
	{"shop/worker", "dev", "worker", RULE_UNTRIGGERED,
		"tag `dev` is not one of `latest`, `stable`"},
	{"shop/worker", "Latest", "worker", RULE_UNTRIGGERED, NULL},
	{"shop/worker", "latest2", "worker", RULE_UNTRIGGERED, NULL},
	{"shop/worker", "lates", "worker", RULE_UNTRIGGERED, NULL},
	{"shop/api", "any.thing_1-2", "all", RULE_MATCHED,
		"tag `any.thing_1-2` is taken: the trigger takes every tag"},
	{"shop/one", "v1.2", "one", RULE_MATCHED, NULL},
	{"shop/one", "v1x2", "one", RULE_UNTRIGGERED,
		"tag `v1x2` is not one of `v1.2`"},
	{"shop/slow", "aaaa", "slow", RULE_MATCHED, NULL},
	{"shop/slow", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-", "slow",
		RULE_ERROR,
		"whether tag `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-"
		"` matches `(a+)+` could not be told: match limit exceeded; "
		"make the expression simpler"},
	{"shop/range", "1.4.0", "range", RULE_MATCHED,
		"tag `1.4.0` is taken: the trigger takes every tag; it is in "
		"`>=1.4 <2`"},
	{"shop/range", "v1.99.3", "range", RULE_MATCHED, NULL},
	{"shop/range", "2.0.0", "range", RULE_UNTRIGGERED,
		"tag `2.0.0` is not in `>=1.4 <2`"},
	{"shop/range", "1.5.0-rc.1", "range", RULE_UNTRIGGERED,
		"tag `1.5.0-rc.1` is not in `>=1.4 <2`, which takes a "
		"pre-release only if it names one of the same version"},
	{"shop/range", "1.5", "range", RULE_UNTRIGGERED,
		"tag `1.5` is no version (MAJOR.MINOR.PATCH), so it is not in "
		"`>=1.4 <2`"},
	{"shop/no-rc", "v2", "no-rc", RULE_MATCHED,
		"tag `v2` is taken: the trigger takes every tag; it is not "
		"excluded by `.*-rc.*`"},
	{"shop/no-rc", "v2-rc1", "no-rc", RULE_UNTRIGGERED,
		"tag `v2-rc1` is excluded by `.*-rc.*`"},
	{"shop/both", "v1.4.0", "both", RULE_MATCHED,
		"tag `v1.4.0` matches `v.*`; it is not excluded by "
		"`(a+)+|v1\\.5.*`; it is in `1.x`"},
	{"shop/both", "v1.5.0", "both", RULE_UNTRIGGERED,
		"tag `v1.5.0` is excluded by `(a+)+|v1\\.5.*`"},
	{"shop/both", "v2.0.0", "both", RULE_UNTRIGGERED,
		"tag `v2.0.0` is not in `1.x`"},
	{"shop/both", "1.4.0", "both", RULE_UNTRIGGERED,
		"tag `1.4.0` does not match `v.*`"},
	{"shop/newer", "v1.4.0-rc.1+b", "newer", RULE_MATCHED,
		"tag `v1.4.0-rc.1+b` is taken: the trigger takes every tag"},
	{"shop/newer", "latest", "newer", RULE_UNTRIGGERED,
		"tag `latest` is no version (MAJOR.MINOR.PATCH), so it is not "
		"newer than another"},
	{"shop/none", "latest", NULL, RULE_NO_TRIGGER,
		"no trigger names repository `shop/none`"},
};

static void check(size_t i, const struct rule_result *got)
{
	const char *name = got->rule != NULL ? got->rule->name : NULL;

	if (got->verdict != cases[i].verdict)
		fail_msg("%s:%s: verdict %d: %s", cases[i].repository,
			cases[i].tag, (int)got->verdict, got->reason);
	if (cases[i].rule != NULL)
		assert_string_equal(name, cases[i].rule);
	else
		assert_null(name);
	if (cases[i].reason != NULL)
		assert_string_equal(got->reason, cases[i].reason);
}

static void test_cases(void **state)
{
	size_t i = 0;

	(void)state;
	while (i < ARRAY_LEN(cases)) {
		struct event e = {.repository = cases[i].repository,
			.tag = cases[i].tag};
		struct rule_results results = {0};

		rule_eval(&set, NULL, &e, &results);
		assert_int_not_equal(results.n, 0);
		for (size_t k = 0; k < results.n; k++, i++) {
			assert_true(i < ARRAY_LEN(cases));
			assert_string_equal(cases[i].repository, e.repository);
			assert_string_equal(cases[i].tag, e.tag);
			check(i, &results.v[k]);
		}
		rule_results_release(&results);
	}
}

/* What jobs of a rule that is newer_only tell; of others nothing. */
static void test_versions(void **state)
{
	static char *const versions[][3] = {
		{"shop/newer", "v1.4.0-rc.1+b", "semver 1.4.0-rc.1"},
		{"shop/newer", "2.0.0", "semver 2.0.0"},
		{"shop/newer", "latest", NULL},
		{"shop/groups", "v1.2", "groups 1/"},
		{"shop/groups", "v1.2-x", "groups 1/-x"},
		{"shop/groups", "1.2", NULL},
		{"shop/both", "v1.4.0", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		struct event e = {.repository = versions[i][0],
			.tag = versions[i][1]};
		struct rule_results results = {0};

		rule_eval(&set, NULL, &e, &results);
		assert_int_equal(results.n, 1);
		if (versions[i][2] != NULL) {
			assert_non_null(results.v[0].version);
			assert_string_equal(
				results.v[0].version, versions[i][2]);
		} else {
			assert_null(results.v[0].version);
		}
		rule_results_release(&results);
	}
}

/* Six groups of n bytes, and the slashes between: as much as a version has
 * room for, and a byte more each. */
static void test_version_that_is_too_long(void **state)
{
	char tag[JOB_VERSION_MAX] = {0};
	struct event e = {.repository = (char[]){"shop/nested"}, .tag = tag};
	struct rule_results results = {0};

	(void)state;
	memset(tag, '1', 83);
	rule_eval(&set, NULL, &e, &results);
	assert_int_equal(results.v[0].verdict, RULE_MATCHED);
	assert_int_equal(strlen(results.v[0].version), 510);
	rule_results_release(&results);
	tag[83] = '1';
	rule_eval(&set, NULL, &e, &results);
	assert_int_equal(results.v[0].verdict, RULE_ERROR);
	assert_null(results.v[0].version);
	assert_non_null(strstr(results.v[0].reason, "could not be told: the "
		"named groups of `(?<a>(?<b>(?<c>(?<d>(?<e>(?<f>.*))))))` take "
		"516 bytes of it, more than the 512 of a version"));
	rule_results_release(&results);
}

/* An event for one trigger fires no other, and that one by its own rules. */
static void test_one_trigger(void **state)
{
	static const struct {
		const char *repository, *tag, *trigger;
		enum rule_verdict verdict;
	} one[] = {
		{"shop/web", "release-v1", "web", RULE_MATCHED},
		{"shop/web", "release-v1", "second", RULE_UNTRIGGERED},
		{"shop/web", "latest", "second", RULE_MATCHED},
		{"shop/web", "latest", "worker", RULE_NO_TRIGGER},
		{"shop/web", "latest", "nobody", RULE_NO_TRIGGER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(one); i++) {
		struct event e = {.repository = (char *)one[i].repository,
			.tag = (char *)one[i].tag,
			.trigger = (char *)one[i].trigger};
		struct rule_results results = {0};

		rule_eval(&set, NULL, &e, &results);
		assert_int_equal(results.n, 1);
		assert_int_equal(results.v[0].verdict, one[i].verdict);
		if (results.v[0].rule)
			assert_string_equal(results.v[0].rule->name, e.trigger);
		else
			assert_non_null(strstr(results.v[0].reason,
				one[i].trigger));
		rule_results_release(&results);
	}
}

static void test_long_reason(void **state)
{
	static char tag[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaaaaaaaaaaaaa";
	char *tags[10];
	struct rule rule = {.name = "x", .repository = "x", .tags = tags,
		.n_tags = 10, .method = RULE_TAGS};
	struct ruleset one = {.rules = &rule, .n = 1};
	struct event e = {.repository = "x", .tag = "b"};
	struct rule_results results = {0};

	(void)state;
	for (size_t i = 0; i < 10; i++)
		tags[i] = tag;
	one.index = rule_index_new(&rule, 1);
	rule_eval(&one, NULL, &e, &results);
	assert_int_equal(strlen(results.v[0].reason), RULE_REASON_MAX);
	assert_string_equal(
		results.v[0].reason + RULE_REASON_MAX - 4, "a...");
	rule_results_release(&results);
	rule_index_free(one.index);
}

static void test_status(void **state)
{
	(void)state;
	assert_null(rule_status(RULE_MATCHED));
	assert_string_equal(rule_status(RULE_UNTRIGGERED), "untriggered");
	assert_string_equal(rule_status(RULE_ERROR), "expression_error");
	assert_string_equal(rule_status(RULE_NO_TRIGGER), "no_trigger");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_version_that_is_too_long),
		cmocka_unit_test(test_one_trigger),
		cmocka_unit_test(test_long_reason),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests_name("rule_eval", tests, setup, teardown);
}
