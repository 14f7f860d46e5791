/* The engine lanes while their engine is away, or goes amid a deploy. */
#include "tests/unit/deployer/lanes_rig.h"

static bool both_wait(void)
{
	return rows_of("waiting") == 2;
}

static bool checked_again(void)
{
	return fake.checks >= 3;
}

static void test_engine_away(void **state)
{
	(void)state;
	fake.alive = false;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	assert_non_null(strstr(world.not_ready, "unix:///run/e.sock"));
	assert_non_null(
		strstr(world.rows.v[0].reason, "unix:///run/e.sock"));
	assert_false(world.rows.v[0].final);
	assert_true(world.rows.v[0].next_attempt > 0);
	/* A second job gets its row at once, the first no other. */
	deliver(EVENT(01), "api", "local", "v1", 1000);
	run_until(both_wait);
	run_until(checked_again);
	assert_int_equal(rows_of("waiting"), 2);
	assert_int_equal(world.rows.n, 2);
	fake.alive = true;
	run_until(two_finals);
	assert_string_equal(world.not_ready, "");
	assert_int_equal(rows_of("deployed"), 2);
	/* Waiting was no attempt. */
	assert_int_equal(row_of(EVENT(01), "deployed")->attempt, 1);
	stop_process();
}

static void test_engine_away_over_restart(void **state)
{
	(void)state;
	fake.alive = false;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	stop_process();
	fake.alive = true;
	start_process();
	run_until(one_final);
	row_of(EVENT(01), "deployed");
	assert_int_equal(fake.deploys, 1);
	stop_process();
}

/* The engine answers, but cannot do this one now: it alone waits, and is tried
 * again by itself. */
static void test_later(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		script(i, DRIVER_LATER, ERR_NONE, "no leader");
		fake.script[i].again_ms = 20;
	}
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_final);
	assert_int_equal(fake.deploys, 4);
	assert_int_equal(fake.recoveries, 1);
	assert_int_equal(rows_of("waiting"), 1);
	assert_string_equal(row_of(EVENT(01), "waiting")->reason, "no leader");
	assert_true(row_of(EVENT(01), "waiting")->next_attempt > 0);
	assert_int_equal(row_of(EVENT(01), "deployed")->attempt, 1);
	stop_process();
}

/* It goes away in the middle: recovery looks before the job runs again. */
static void test_engine_lost(void **state)
{
	(void)state;
	fake.note = "{}";
	script(0, DRIVER_WAITING, ERR_NONE, "connection reset");
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	assert_string_equal(
		row_of(EVENT(01), "waiting")->reason, "connection reset");
	run_until(one_final);
	assert_int_equal(fake.deploys, 2);
	assert_int_equal(fake.recoveries, 2);
	assert_int_equal(row_of(EVENT(01), "deployed")->attempt, 1);
	stop_process();
}

/* ... and finds that it had got through. */
static void test_engine_lost_but_deployed(void **state)
{
	static const struct driver_result deployed = {
		.status = DRIVER_DEPLOYED, .reason = "it was through"};

	(void)state;
	fake.note = "{}";
	script(0, DRIVER_WAITING, ERR_NONE, "connection reset");
	fake.recovered = &deployed;
	start_process();
	deliver(EVENT(01), "web", "local", "v1", 1000);
	run_until(one_waits);
	/* What recovery must settle first is superseded by nothing. */
	deliver(EVENT(02), "web", "local", "v2", 2000);
	run_until(two_finals);
	assert_string_equal(
		row_of(EVENT(01), "deployed")->reason, "it was through");
	row_of(EVENT(02), "deployed");
	assert_int_equal(fake.deploys, 2);
	stop_process();
	assert_int_equal(finals(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_engine_away),
		TEST(test_engine_away_over_restart),
		TEST(test_later),
		TEST(test_engine_lost),
		TEST(test_engine_lost_but_deployed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
