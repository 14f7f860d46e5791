/* The http lane, whole: from a matcher's job to what a server was asked and
 * to a logger's rows. */
#include "tests/unit/deployer/notify_rig.h"

/* Nobody listens any more where the trigger points to. */
static void use_closed_port(void)
{
	char text[256];

	snprintf(text, sizeof(text),
		"triggers: [{name: tell, repository: shop/web, "
		"url: 'http://127.0.0.1:%d/'}]\n"
		"deployer: {state: '@', schedule: [0, 50ms], "
		"allow_private: ['127.0.0.1/32:1025-65535']}\n",
		http_server_port(receiver.http));
	http_server_stop(receiver.http);
	receiver.http = NULL;
	configure(text);
}

static void test_delivered(void **state)
{
	const struct seen_row *row;

	(void)state;
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1480393546789);
	run_until(one_final);
	row = row_of(EVENT(01), "200");
	assert_string_equal(row->id, EVENT(01) "/tell/1/200");
	assert_int_equal(row->attempt, 1);
	assert_int_equal(row->attempts, 3);
	assert_int_equal(row->next_attempt, 0);
	assert_non_null(strstr(row->duration_ms, "\"request\":"));
	assert_non_null(strstr(receiver.bodies[0],
		"\"pushed_at\":\"2016-11-29 12:25:46\",\"tag\":\"v1\""));
	assert_string_equal(receiver.ids[0], receiver.keys[0]);
	assert_string_equal(
		in_json(row->request, "headers.webhook-id"), receiver.ids[0]);
	assert_string_equal(in_json(row->request, "headers.Pullwire-Hops"), "1");
	assert_string_equal(in_json(row->request, "body"), receiver.bodies[0]);
	assert_null(strstr(row->request, "s3cr3t"));
	assert_string_equal(in_json(row->response, "body"), "thanks\n");
	stop_process();
	assert_int_equal(world.rows.n, 1);
}

static void test_retried_with_the_same_id(void **state)
{
	const struct seen_row *row;

	(void)state;
	receiver.statuses[0] = 500;
	receiver.statuses[1] = 302;
	receiver.extra = "Location: http://127.0.0.1/elsewhere";
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	row = row_of(EVENT(01), "500");
	assert_false(row->final);
	assert_true(row->next_attempt > 0);
	assert_string_equal(row->reason,
		"the trigger URL answered 500; it is tried again");
	row = row_of(EVENT(01), "302");
	assert_false(row->final);
	assert_int_equal(row->attempt, 2);
	assert_string_equal(in_json(row->response, "headers.Location"),
		"http://127.0.0.1/elsewhere");
	row = row_of(EVENT(01), "200");
	assert_true(row->final);
	assert_int_equal(row->attempt, 3);
	assert_int_equal(received(), 3);
	assert_string_equal(receiver.ids[0], receiver.ids[1]);
	assert_string_equal(receiver.ids[0], receiver.ids[2]);
	assert_string_equal(receiver.bodies[0], receiver.bodies[2]);
	stop_process();
}

static void test_given_up(void **state)
{
	(void)state;
	receiver.statuses[0] = 500;
	receiver.statuses[1] = 403;
	receiver.statuses[2] = 503;
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	run_for(100);
	assert_int_equal(received(), 3);
	assert_int_equal(world.rows.n, 3);
	assert_true(row_of(EVENT(01), "503")->final);
	assert_string_equal(row_of(EVENT(01), "503")->reason,
		"the trigger URL answered 503; given up after 3 attempts");
	stop_process();
}

static void test_connect_error(void **state)
{
	const struct seen_row *row;

	(void)state;
	use_closed_port();
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	assert_int_equal(rows_of("connect_error"), 2);
	row = row_of(EVENT(01), "connect_error");
	assert_null(row->response);
	assert_non_null(row->request);
	stop_process();
}

/* Each push is delivered, one at a time, in order. */
static void test_nothing_coalesces(void **state)
{
	(void)state;
	start_process();
	deliver(EVENT(03), "tell", "http", "v3", 3000);
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	deliver(EVENT(02), "tell", "http", "v2", 2000);
	run_until(three_finals);
	assert_int_equal(rows_of("200"), 3);
	assert_non_null(strstr(receiver.bodies[0], "\"tag\":\"v3\""));
	assert_non_null(strstr(receiver.bodies[1], "\"tag\":\"v1\""));
	assert_non_null(strstr(receiver.bodies[2], "\"tag\":\"v2\""));
	stop_process();
}

/* Told to end while the receiver is thinking: posted again, the same id. */
static void test_cut_off(void **state)
{
	(void)state;
	receiver.statuses[0] = -1;
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_received);
	stop_process();
	assert_int_equal(world.rows.n, 0);
	start_process();
	run_until(one_final);
	assert_int_equal(received(), 2);
	assert_string_equal(receiver.ids[0], receiver.ids[1]);
	assert_int_equal(row_of(EVENT(01), "200")->attempt, 1);
	stop_process();
}

static bool answered(void)
{
	return world.acks + world.nacks > 0;
}

/* What a peer of this role sends: taken? */
static bool takes(const char *role, const char *trigger, const char *notice)
{
	struct chan_peer peer = {.peer = 7, .role = role, .instance = "x"};
	struct chan_from from = {7, 1};
	char id[UID_JOB_MAX];
	struct msg msg = {.type = MSG_JOB, .lease = 1};
	struct deployer *d = world.d;
	bool taken;

	world.acks = world.nacks = 0;
	msg.u.job = (struct job){
		.id = uid_job(EVENT(01), trigger, id),
		.trigger = (char *)(uintptr_t)trigger,
		.lane = "http",
		.notice = (char *)(uintptr_t)notice,
		.event = {.id = EVENT(01), .source = "s",
			.repository = "shop/web", .tag = "v1"},
	};
	world.ops->peer(world.ops_ctx, &peer, true);
	world.ops->deliver(world.ops_ctx, &from, &msg);
	run_until(answered);
	taken = world.acks > 0;
	world.ops->peer(world.ops_ctx, &peer, false);
	assert_ptr_equal(world.d, d);
	return taken;
}

/* A matcher cannot make one up, a deployer is no matcher. */
static void test_notices_come_from_deployers(void **state)
{
	static const char row[] =
		"{\"status\":\"deployed\",\"trigger\":\"web\","
		"\"time\":\"2026-01-31T12:00:00.000Z\"}";
	char text[400];

	(void)state;
	snprintf(text, sizeof(text),
		"triggers: [{name: tell, repository: shop/web, "
		"url: 'http://127.0.0.1:%d/'}]\n"
		"notify: [{name: a, url: 'http://127.0.0.1:%d/'}]\n"
		"deployer: {state: '@', schedule: [0], "
		"allow_private: ['127.0.0.1/32:1025-65535']}\n",
		http_server_port(receiver.http),
		http_server_port(receiver.http));
	configure(text);
	start_process();
	assert_false(takes("matcher", "notify:a:web", row));
	assert_false(takes("deployer", "tell", NULL));
	assert_true(takes("matcher", "tell", NULL));
	assert_true(takes("deployer", "notify:a:web", row));
	run_until(two_finals);
	assert_int_equal(received(), 2);
	/* Not asked for here: it ends, and nothing is sent. */
	assert_true(takes("deployer", "notify:b:web", row));
	run_until(three_finals);
	assert_int_equal(rows_of("refused"), 1);
	assert_int_equal(received(), 2);
	stop_process();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_delivered),
		TEST(test_retried_with_the_same_id),
		TEST(test_given_up),
		TEST(test_connect_error),
		TEST(test_nothing_coalesces),
		TEST(test_cut_off),
		TEST(test_notices_come_from_deployers),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
