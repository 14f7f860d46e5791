/* Neighbours that are away or refuse: the event waits, and nothing is lost. */
#include "tests/unit/matcher/work_rig.h"

/* Without a deployer the event waits in ingress and says so; with one it is
 * done. */
static void test_no_deployer(void **state)
{
	static char repository[] = "shop/api", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_row_and_one_nack);
	assert_string_equal(seen.rows[0],
		"/notify/0/waiting url waiting: no deployer serves lane `http`: "
		"the push waits until one is started");
	assert_string_equal(seen.nacks[0],
		"no deployer serves lane `http`: the push waits until one is "
		"started");
	assert_int_equal(seen.n_acks, 0);
	deployer = open_end("deployer", false);
	run_until(one_ack);
	assert_int_equal(seen.n_jobs, 1);
}

/* Without a logger the job is done at once; the event waits for its row. */
static void test_no_logger(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	put_event(repository, tag);
	run_until(one_job_and_one_nack);
	assert_string_equal(
		seen.nacks[0], "no logger takes the rows of this event");
	assert_int_equal(seen.n_acks, 0);
	logger = open_end("logger", false);
	run_until(one_ack);
	assert_true(seen.n_rows >= 1);
	assert_non_null(strstr(seen.rows[0], "/notify/0/untriggered"));
}

/* A job that is refused for a while is offered again, unseen from outside. */
static void test_refused_for_a_while(void **state)
{
	static char repository[] = "shop/web", tag[] = "release-v2";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	refuse = 3;
	put_event(repository, tag);
	run_until(one_ack);
	assert_int_equal(refuse, 0);
	assert_int_equal(seen.n_jobs, 1);
	assert_int_equal(seen.n_nacks, 0);
}

/* One that is always refused goes back, with the deployer's reason. */
static void test_refused_for_long(void **state)
{
	static char repository[] = "shop/api", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	logger = open_end("logger", false);
	refuse = SIZE_MAX;
	put_event(repository, tag);
	run_until(one_row_and_one_nack);
	assert_string_equal(seen.nacks[0],
		"the deployer of lane `http` does not take the job: the disk "
		"is full");
	assert_non_null(strstr(seen.rows[0], "/notify/0/waiting url waiting"));
	refuse = 0;
	run_until(one_ack);
	assert_int_equal(seen.n_jobs, 1);
}

/* One whose queue is full takes nothing: the event waits in ingress and says
 * so; when there is room it is done. */
static void test_no_room(void **state)
{
	static char repository[] = "shop/api", tag[] = "latest";

	(void)state;
	ingress = open_end("ingress", true);
	deployer = open_end("deployer", false);
	chan_pause(deployer, true);
	logger = open_end("logger", false);
	put_event(repository, tag);
	run_until(one_row_and_one_nack);
	assert_string_equal(seen.nacks[0],
		"the deployer of lane `http` does not take the job: it has no "
		"room for more");
	assert_string_equal(seen.rows[0],
		"/notify/0/waiting url waiting: the deployer of lane `http` "
		"does not take the job: it has no room for more");
	assert_int_equal(seen.all_jobs, 0);
	chan_pause(deployer, false);
	run_until(one_ack);
	assert_int_equal(seen.all_jobs, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_no_deployer, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_no_logger, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_refused_for_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_refused_for_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_room, setup, teardown),
	};

	return cmocka_run_group_tests_name("work_refused", tests, NULL, NULL);
}
