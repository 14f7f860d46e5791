/* Events become jobs and rows: one, many, by new rules, leased anew, drained. */
#include "tests/unit/matcher/work_rig.h"

static void test_job_and_row(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.n_jobs, 1);
	assert_string_equal(seen.jobs[0],
		"local web: tag `release-v2` matches `release-v.*`");
	assert_int_equal(seen.n_rows, 1);
	assert_string_equal(seen.rows[0],
		"/notify/0/untriggered url untriggered final: tag `release-v2` "
		"is not one of `latest`");
	assert_int_equal(seen.n_nacks, 0);
}

static void test_no_trigger(void **state)
{
	static char repository[] = "other/web", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.n_rows, 1);
	assert_string_equal(seen.rows[0],
		"//0/no_trigger - no_trigger final: no trigger names "
		"repository `other/web`");
}

#define MANY 300

static struct many {
	struct event event;
	struct chan_item item;
	char id[UID_LEN];
} many[MANY];

static bool all_acked(void)
{
	return seen.n_acks == MANY;
}

/* More events than fit at once; each is acknowledged once. */
static void test_many(void **state)
{
	static char repository[] = "shop/web", api[] = "shop/api";
	static char tag[] = "latest", source[] = "test";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	for (size_t i = 0; i < MANY; i++) {
		many[i].event = (struct event){
			.id = uid_new(clock_wall(), many[i].id),
			.source = source,
			.repository = i % 2 ? repository : api,
			.tag = tag,
			.time = clock_wall(),
		};
		many[i].item = (struct chan_item){
			.type = MSG_EVENT, .body = &many[i].event};
		chan_put(ingress, &many[i].item);
	}
	run_until(all_acked);
	assert_int_equal(seen.n_nacks, 0);
	/* notify takes each, web refuses half of them. */
	assert_int_equal(seen.all_jobs, MANY);
	assert_int_equal(seen.all_rows, MANY / 2);
}

/* Events that come after the swap meet the new rules. */
static void test_new_rules(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";
	struct opt_errors errs = {0};
	struct conf *other;

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.all_jobs, 1);
	other = load_text("triggers: []\n");
	work_set_rules(work, other, rule_load(other, &errs));
	conf_free(other);
	seen.n_acks = 0;
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(seen.all_jobs, 1);
	assert_string_equal(seen.rows[1],
		"//0/no_trigger - no_trigger final: no trigger names "
		"repository `shop/web`");
}

/* Leased again and again while it is under way: each lease is answered, so
 * that credit (16 here) does not run out. */
static void test_leased_anew(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	lease_ms = 5;
	refuse = SIZE_MAX;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(many_leases);
}

static void test_drain(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_ack);
	work_drain(work);
	run_until(drained);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_job_and_row, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_no_trigger, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_new_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_leased_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drain, setup, teardown),
	};

	return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
