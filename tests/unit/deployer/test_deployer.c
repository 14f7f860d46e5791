/* The engine lanes, whole: from a matcher's job to a logger's row. */
#include "tests/unit/deployer/lanes_rig.h"

#include "deployer/queue/queue_read.h"
#include "deployer/queue/queue_schema.h"

/* ---- one job ------------------------------------------------------------- */

static void test_deploy(void **state)
{
	const struct seen_row *row;

	(void)state;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", clock_wall());
	run_until(one_final);
	assert_int_equal(world.acks, 1);
	assert_int_equal(fake.recoveries, 1);
	assert_string_equal(world.not_ready, "");
	row = row_of(EVENT(01), "deployed");
	assert_string_equal(row->id, EVENT(01) "/web/1/deployed");
	assert_string_equal(row->reason, "v1 is deployed");
	assert_non_null(strstr(row->duration_ms, "\"pull\":3"));
	assert_non_null(strstr(row->duration_ms, "\"wait\":"));
	stop_process();
	assert_int_equal(world.rows.n, 1);
}

static void test_known_job(void **state)
{
	(void)state;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_final);
	run_until(two_acked);
	stop_process();
	world.acks = 0;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_acked);
	run_for(50);
	assert_int_equal(fake.deploys, 1);
	assert_int_equal(world.rows.n, 1);
	stop_process();
}

static void test_refused(void **state)
{
	(void)state;
	start_process();
	deliver(EVENT(01), "gone", "local", "v1", 1000);
	run_until(one_final);
	run_until(one_acked);
	assert_string_equal(world.rows.v[0].id, EVENT(01) "/gone/0/refused");
	deliver(EVENT(02), "web", "other", "v1", 1000);
	run_until(two_finals);
	assert_non_null(strstr(world.rows.v[1].reason, "in lane local"));
	assert_int_equal(fake.deploys, 0);
	stop_process();
}

static void test_malformed(void **state)
{
	struct chan_from from = {1, 1};
	struct msg msg = {.type = MSG_JOB, .u.job = {.id = "x",
		.trigger = "web", .lane = "local",
		.event = {.id = EVENT(01), .source = "s",
			.repository = "shop/web", .tag = "v1", .time = 1}}};

	(void)state;
	start_process();
	world.ops->deliver(world.ops_ctx, &from, &msg);
	assert_int_equal(world.nacks, 1);
	run_for(50);
	assert_int_equal(world.acks, 0);
	stop_process();
	assert_int_equal(world.rows.n, 0);
}

/* ---- several ------------------------------------------------------------- */

static void test_newest_wins(void **state)
{
	const struct seen_row *row;

	(void)state;
	fake.block = true;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_deploy_runs);
	deliver(EVENT(02), "web", "local", "v2", 2000);
	deliver(EVENT(03), "web", "local", "v3", 3000);
	deliver(EVENT(04), "web", "local", "v2.5", 2500);
	run_until(two_finals);
	row = row_of(EVENT(02), "superseded");
	assert_true(row->final);
	assert_string_equal(row->reason, "a newer push of tag v3 took its "
		"place (event " EVENT(03) ")");
	assert_true(row_of(EVENT(04), "superseded")->final);
	fake.block = false;
	run_until(four_finals);
	assert_int_equal(fake.deploys, 2);
	row_of(EVENT(01), "deployed");
	row_of(EVENT(03), "deployed");
	stop_process();
	assert_int_equal(world.rows.n, 4);
}

static void test_targets_do_not_hold_each_other(void **state)
{
	(void)state;
	fake.block = true;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_deploy_runs);
	deliver(EVENT(01), "api", "local", "v1", 1000);
	deliver(EVENT(01), "db", "local", "v1", 1000);
	deliver(EVENT(02), "web", "local", "v2", 2000);
	run_until(two_deploys_run);
	run_for(50);
	assert_int_equal(fake.under_way, 2); /* max_deploys */
	fake.block = false;
	run_until(four_finals);
	assert_int_equal(fake.most, 2);
	assert_int_equal(rows_of("deployed"), 4);
	stop_process();
}

/* ---- failures ------------------------------------------------------------ */

static void test_failed(void **state)
{
	(void)state;
	script(0, DRIVER_FAILED, ERR_FAIL, "no such image");
	script(1, DRIVER_ROLLED_BACK, ERR_NONE, "never got healthy");
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_final);
	assert_string_equal(
		row_of(EVENT(01), "failed")->reason, "no such image");
	deliver(EVENT(02), "web", "local", "v2", 2000);
	run_until(two_finals);
	row_of(EVENT(02), "rolled_back");
	stop_process();
}

struct listed {
	size_t n;
	int64_t attempt, due;
	enum queue_state state;
	char note[128];
};

static void take_line(void *ctx, const struct queue_read_line *line)
{
	struct listed *l = ctx;

	l->n++;
	l->attempt = line->attempt;
	l->due = line->due;
	l->state = line->state;
	snprintf(l->note, sizeof(l->note), "%s", line->note ? line->note : "");
}

static struct listed list_queue_now(void)
{
	char *path = xprintf("%s/queue.db", world.dir);
	struct listed l = {0};
	struct err err;
	struct db *db = db_open(path, &queue_schema, true, &err);

	assert_non_null(db);
	assert_int_equal(queue_read_list(db, take_line, &l, &err), 0);
	db_close(db);
	free(path);
	return l;
}

static void test_failure_that_may_pass(void **state)
{
	const struct seen_row *row;
	int64_t began = clock_wall();

	(void)state;
	script(0, DRIVER_FAILED, ERR_RETRY, "too many requests");
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_failed);
	row = row_of(EVENT(01), "failed");
	assert_false(row->final);
	assert_int_equal(row->attempt, 1);
	assert_int_equal(row->attempts, 7);
	assert_true(row->next_attempt - began >= 3000);
	assert_true(row->next_attempt - clock_wall() <= 6000);
	/* On disk before the attempt was closed, and taken up again. */
	stop_process();
	assert_int_equal(list_queue_now().n, 1);
	assert_int_equal(list_queue_now().attempt, 1);
	assert_int_equal(list_queue_now().due, row->next_attempt);
	assert_string_equal(list_queue_now().note, "too many requests");
	start_process();
	run_until(one_final);
	assert_true(clock_wall() >= row_of(EVENT(01), "failed")->next_attempt);
	assert_int_equal(row_of(EVENT(01), "deployed")->attempt, 2);
	stop_process();
}

/* ---- the process ends in between ----------------------------------------- */

static void test_told_to_end(void **state)
{
	(void)state;
	fake.block = true;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_deploy_runs);
	stop_process();
	assert_true(world.paused);
	assert_int_equal(world.rows.n, 0);
	assert_int_equal(list_queue_now().state, QUEUE_RUNNING);
	assert_string_equal(list_queue_now().note, "pulling");
	fake.block = false;
	start_process();
	run_until(one_final);
	assert_int_equal(row_of(EVENT(01), "deployed")->attempt, 1);
	stop_process();
	assert_int_equal(world.rows.n, 1);
}

/* A crash between the deploy and its row: recovery tells how it ended. */
static void test_crash_before_the_row(void **state)
{
	static const struct driver_result rolled_back = {
		.status = DRIVER_ROLLED_BACK, .reason = "the old one runs"};

	(void)state;
	fake.block = true;
	fake.note = "{}";
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_deploy_runs);
	stop_process();
	fake.block = false;
	fake.recovered = &rolled_back;
	start_process();
	run_until(one_final);
	assert_string_equal(
		row_of(EVENT(01), "rolled_back")->reason, "the old one runs");
	run_for(50);
	assert_int_equal(fake.deploys, 1);
	stop_process();
	/* The entry went with the row: nothing to recover any more. */
	start_process();
	deliver(EVENT(02), "web", "local", "v2", 2000);
	run_until(two_finals);
	row_of(EVENT(02), "deployed");
	stop_process();
	assert_int_equal(world.rows.n, 2);
}

/* The trigger is gone from the configuration when the process comes back. */
static void test_trigger_gone(void **state)
{
	(void)state;
	fake.alive = false;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	stop_process();
	configure("engines: [{name: local, docker: 'unix:///run/e.sock'}]\n"
		  "deployer: {state: '@', lanes: [local]}\n");
	fake.alive = true;
	start_process();
	run_until(one_final);
	row_of(EVENT(01), "refused");
	assert_int_equal(fake.deploys, 0);
	stop_process();
	assert_int_equal(list_queue_now().n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_deploy),
		TEST(test_known_job),
		TEST(test_refused),
		TEST(test_malformed),
		TEST(test_newest_wins),
		TEST(test_targets_do_not_hold_each_other),
		TEST(test_failed),
		TEST(test_failure_that_may_pass),
		TEST(test_told_to_end),
		TEST(test_crash_before_the_row),
		TEST(test_trigger_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
