#include "deployer/queue/gate.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define TEXT(s) ((char *)(uintptr_t)(s))
#define T 1700000000000

static const struct {
	bool dry_run, approve, approved, paused, forced;
	int64_t min_age, now, opens;
	enum gate_answer want;
	int64_t due;
	const char *why;
} cases[] = {
	{.now = T, .want = GATE_GO, .why = ""},
	{.min_age = 60000, .now = T, .want = GATE_WAIT, .due = T + 60000,
		.why = "the push must be 60 s old: waits until "
		       "2023-11-14T22:14:20.000Z"},
	{.min_age = 60000, .now = T + 59999, .want = GATE_WAIT,
		.due = T + 60000, .why = NULL},
	{.min_age = 60000, .now = T + 60000, .want = GATE_GO, .why = ""},
	{.approve = true, .now = T, .want = GATE_WAIT, .due = 0,
		.why = "waits for approval: pullwire-deployer queue approve "
		       "E/web"},
	{.approve = true, .approved = true, .now = T, .want = GATE_GO,
		.why = ""},
	/* approved too early is not young enough all the same */
	{.approve = true, .approved = true, .min_age = 1, .now = T,
		.want = GATE_WAIT, .due = T + 1, .why = NULL},
	{.opens = T + 5000, .now = T, .want = GATE_WAIT, .due = T + 5000,
		.why = "outside its window `Mon 22:00-06:00 UTC`: waits until "
		       "2023-11-14T22:13:25.000Z"},
	{.opens = T, .now = T, .want = GATE_GO, .why = ""},
	/* all of it is said at once, and it waits for the last */
	{.opens = T + 5000, .min_age = 9000, .now = T, .want = GATE_WAIT,
		.due = T + 9000,
		.why = "the push must be 9 s old: waits until "
		       "2023-11-14T22:13:29.000Z; outside its window `Mon "
		       "22:00-06:00 UTC`: waits until "
		       "2023-11-14T22:13:25.000Z"},
	{.opens = T + 5000, .approve = true, .now = T, .want = GATE_WAIT,
		.due = 0, .why = NULL},
	{.paused = true, .now = T, .want = GATE_WAIT, .due = 0,
		.why = "is held by hand: pullwire-deployer queue release "
		       "E/web"},
	/* who wants it now waits for none of it, but who holds it */
	{.opens = T + 5000, .approve = true, .min_age = 9000, .forced = true,
		.now = T, .want = GATE_GO, .why = ""},
	{.opens = T + 5000, .paused = true, .forced = true, .now = T,
		.want = GATE_WAIT, .due = 0, .why = NULL},
	{.dry_run = true, .forced = true, .now = T, .want = GATE_DRY_RUN,
		.why = NULL},
	{.dry_run = true, .approve = true, .min_age = 1, .now = T,
		.want = GATE_DRY_RUN,
		.why = "dry run, nothing is done: would redeploy container web "
		       "with reg/shop/web:v2, since tag `v2` matches `v.*`"},
};

static void test_cases(void **state)
{
	struct job job = {.id = TEXT("E/web"),
		.reason = TEXT("tag `v2` matches `v.*`"),
		.event = {.registry = TEXT("reg"),
			.repository = TEXT("shop/web"), .tag = TEXT("v2"),
			.time = T}};

	char *window[] = {TEXT("Mon 22:00-06:00 UTC")};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct conf_trigger t = {.dry_run = cases[i].dry_run,
			.approve = cases[i].approve,
			.min_age = cases[i].min_age,
			.window = {.v = window, .n = 1},
			.deploy = {.container = TEXT("web")}};
		struct strbuf why = {0};
		struct gate_facts facts = {.now = cases[i].now,
			.approved = cases[i].approved, .paused = cases[i].paused,
			.forced = cases[i].forced,
			.opens = cases[i].opens};
		int64_t due = 0;

		if (gate_ask(&t, &job, &facts, &due, &why) != cases[i].want ||
			due != cases[i].due)
			fail_msg("case %zu: due %lld: %s", i, (long long)due,
				strbuf_cstr(&why));
		if (cases[i].why)
			assert_string_equal(strbuf_cstr(&why), cases[i].why);
		strbuf_release(&why);
	}
}

static void test_url(void **state)
{
	struct conf_trigger t = {.dry_run = true,
		.url = TEXT("http://h/hook?secret=s3cret")};
	struct job job = {.id = TEXT("E/n"), .event = {.time = T,
		.repository = TEXT("shop/web"), .tag = TEXT("v2")}};
	struct strbuf why = {0};
	struct gate_facts facts = {.now = T};
	int64_t due;

	(void)state;
	assert_int_equal(gate_ask(&t, &job, &facts, &due, &why), GATE_DRY_RUN);
	assert_string_equal(strbuf_cstr(&why), "dry run, nothing is done: would "
		"post to http://h/hook?secret=*** with shop/web:v2");
	strbuf_release(&why);
}

static const char DIGEST[] = "sha256:aa";

static const struct {
	bool newer_only, digest_changed, dry_run, ordered;
	const char *version, *digest; /* the job's */
	const char *last_version, *last_digest;
	enum gate_answer want;
	const char *why;
} lasts[] = {
	{.newer_only = true, .version = "semver 1.2.0",
		.want = GATE_GO, .why = ""},
	{.newer_only = true, .version = "semver 1.2.0",
		.last_version = "semver 1.1.9", .want = GATE_GO,
		.why = ""},
	{.newer_only = true, .version = "semver 1.2.0",
		.last_version = "semver 1.2.0", .want = GATE_NOT_NEWER,
		.why = "version 1.2.0 of tag `v2` is the same as "
		       "version 1.2.0 of tag `old`, which was done last "
		       "(2023-11-14T22:13:20.000Z)"},
	{.newer_only = true, .version = "groups 1/9",
		.last_version = "groups 1/10", .want = GATE_NOT_NEWER,
		.why = "version 1/9 of tag `v2` is below version 1/10 "
		       "of tag `old`, which was done last "
		       "(2023-11-14T22:13:20.000Z)"},
	/* of another kind, or by a matcher that knows of none */
	{.newer_only = true, .version = "groups 1",
		.last_version = "semver 2.0.0", .want = GATE_GO,
		.why = ""},
	{.newer_only = true, .last_version = "semver 2.0.0",
		.want = GATE_GO, .why = ""},
	{.newer_only = true, .ordered = true,
		.version = "semver 1.2.0",
		.last_version = "semver 1.2.0", .want = GATE_GO,
		.why = ""},
	{.version = "semver 1.2.0", .last_version = "semver 1.3.0",
		.want = GATE_GO, .why = ""},
	{.digest_changed = true, .digest = DIGEST,
		.last_digest = DIGEST, .want = GATE_SAME,
		.why = "tag `v2` has the digest of tag `old`, which was "
		       "done last (2023-11-14T22:13:20.000Z)"},
	{.digest_changed = true, .digest = "sha256:bb",
		.last_digest = DIGEST, .want = GATE_GO, .why = ""},
	{.digest_changed = true, .last_digest = DIGEST,
		.want = GATE_GO, .why = ""},
	{.digest_changed = true, .digest = DIGEST, .want = GATE_GO,
		.why = ""},
	{.digest_changed = true, .ordered = true, .digest = DIGEST,
		.last_digest = DIGEST, .want = GATE_GO, .why = ""},
	{.digest = DIGEST, .last_digest = DIGEST, .want = GATE_GO,
		.why = ""},
	/* a dry run tells what would really become of it */
	{.dry_run = true, .digest_changed = true, .digest = DIGEST,
		.last_digest = DIGEST, .want = GATE_SAME, .why = NULL},
};

static void test_last(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lasts); i++) {
		struct conf_trigger t = {.newer_only = lasts[i].newer_only,
			.digest_changed = lasts[i].digest_changed,
			.dry_run = lasts[i].dry_run,
			.deploy = {.container = TEXT("web")}};
		struct job job = {.id = TEXT("E/web"),
			.version = TEXT(lasts[i].version),
			.event = {.tag = TEXT("v2"), .time = T,
				.repository = TEXT("shop/web"),
				.digest = TEXT(lasts[i].digest)}};
		struct gate_facts facts = {.now = T,
			.ordered = lasts[i].ordered,
			.last = {.tag = "old", .time = T,
				.version = lasts[i].last_version,
				.digest = lasts[i].last_digest}};
		struct strbuf why = {0};
		int64_t due;

		if (gate_ask(&t, &job, &facts, &due, &why) != lasts[i].want)
			fail_msg("row %zu: %s", i, strbuf_cstr(&why));
		if (lasts[i].why)
			assert_string_equal(strbuf_cstr(&why), lasts[i].why);
		strbuf_release(&why);
	}
	assert_string_equal(gate_status(GATE_SAME), "unchanged");
	assert_string_equal(gate_status(GATE_NOT_NEWER), "untriggered");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_last),
	};

	return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
