/* Jobs that are cancelled, and the notices of that. */
#include "tests/unit/deployer/orders_rig.h"

#include "deployer/http/notices.h"

/* Nobody posts it here, so it ends at once. */
static bool notice_came(void)
{
	for (size_t i = 0; i < world.rows.n; i++)
		if (strstr(world.rows.v[i].id, "/notify:chat:web/"))
			return true;
	return false;
}

static void test_cancel(void **state)
{
	const struct seen_row *row;

	(void)state;
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	do_order("cancel", JOB(01) " is cancelled");
	row = row_of(EVENT(01), "refused");
	assert_non_null(row);
	assert_true(row->final);
	assert_non_null(strstr(row->reason, "cancelled by "));
	assert_int_equal(fake.deploys, 0);
	assert_int_equal(queue_len(world.d->queue), 0);
	run_until(notice_came);
}

static bool waits_for_engine(void)
{
	const struct queue_job *job =
		queue_find(world.d->queue, EVENT(01) "/api");

	return rows_of("waiting") == 1 && job && job->state == QUEUE_HELD;
}

static bool was_recovered(void)
{
	struct journal *j = queue_store_journal(world.d->store);
	char *json = NULL;
	struct err err;
	bool gone;

	if (fake.recoveries < 2)
		return false;
	assert_int_equal(j->get(j, EVENT(01) "/api", &json, &err), 0);
	gone = json == NULL;
	free(json);
	return gone;
}

/* Its engine went away amid the deploy: it can be given up, and recovery ends
 * what was begun, of which no row is told any more. */
static void test_cancel_of_a_held_job(void **state)
{
	static struct driver_result late;
	const struct seen_row *row;

	(void)state;
	fake.note = "{}";
	script(0, DRIVER_WAITING, ERR_RETRY, "the engine went away");
	run_until(one_recovery);
	fake.alive = false;
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(waits_for_engine);
	assert_string_equal(ask("retry", "{\"job\":\"" EVENT(01) "/api\"}")
				    ->text, EVENT(01) "/api waits for its engine, "
		"and goes on by itself when that answers");
	assert_string_equal(ask("cancel", "{\"job\":\"" EVENT(01) "/api\"}")
				    ->text, EVENT(01) "/api is cancelled");
	row = row_of(EVENT(01), "refused");
	assert_true(row->final);
	assert_non_null(strstr(row->reason, "while its engine did not answer"));
	assert_int_equal(queue_len(world.d->queue), 0);
	driver_result_set(&late, DRIVER_DEPLOYED, "api runs v1");
	fake.recovered = &late;
	fake.alive = true;
	run_until(was_recovered);
	assert_int_equal(rows_of("deployed"), 0);
}

static int64_t notices_left(void)
{
	struct err err;
	int64_t n = -1;

	assert_int_equal(queue_read_notices_n(
				 queue_store_reader(world.d->store), &n, &err),
		0);
	return n;
}

static bool one_notice(void)
{
	return notices_left() == 1;
}

static bool no_notice(void)
{
	return notices_left() == 0;
}

/* Nobody takes it, and its receiver leaves the configuration: a day later it
 * goes. */
static void test_notice_of_nobody(void **state)
{
	static const char text[] =
		"engines: [{name: local, docker: 'unix:///run/e.sock'}]\n"
		"triggers: [{name: web, repository: shop/web, approve: true, "
		"deploy: {container: web}}]\n"
		"deployer: {state: '@', lanes: [local], "
		"notices: ['tcp://127.0.0.1:1']}\n%s";
	char conf[600];

	(void)state;
	stop_process();
	snprintf(conf, sizeof(conf), text, "notify: [{name: chat, "
		"url: 'https://example.com/', on: [refused]}]\n");
	configure(conf);
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	do_order("cancel", JOB(01) " is cancelled");
	run_until(one_notice);
	notices_prune(world.d->notices, clock_wall() + 25 * 3600 * 1000);
	notices_tick(world.d->notices);
	run_for(100);
	assert_true(one_notice()); /* it is configured */
	stop_process();
	snprintf(conf, sizeof(conf), text, "");
	configure(conf);
	start_process();
	notices_prune(world.d->notices, clock_wall() + 23 * 3600 * 1000);
	notices_tick(world.d->notices);
	run_for(100);
	assert_true(one_notice()); /* not yet a day */
	notices_prune(world.d->notices, clock_wall() + 25 * 3600 * 1000);
	notices_tick(world.d->notices);
	run_until(no_notice);
}

static void test_cancel_of_a_running_job(void **state)
{
	(void)state;
	fake.block = true;
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(one_deploy_runs);
	assert_non_null(strstr(ask("cancel", "{\"job\":\"" EVENT(01)
				"/api\"}")->text, "is under way: it cannot"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cancel), TEST(test_cancel_of_a_held_job),
		TEST(test_cancel_of_a_running_job), TEST(test_notice_of_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
