/* The http lane, whole: from a matcher's job to what a server was asked and
 * to a logger's rows. */
#include "tests/unit/deployer/fake_world.h"

#include <pthread.h>

#include "proto/data/json.h"
#include "proto/io/http_client.h"
#include "proto/io/http_server.h"

/* ---- a receiver ------------------------------------------------------------------ */

static struct {
	struct http_server *http;
	pthread_mutex_t lock;
	/* Answers in order, then 200; -1: no answer until released. */
	int statuses[8];
	const char *extra; /* header of each answer, or NULL */
	int n;
	char ids[8][96], bodies[8][1024], keys[8][96];
	struct http_request *pending;
} receiver = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void copy(char *out, size_t n, const char *s)
{
	snprintf(out, n, "%s", s ? s : "");
}

static void receive(void *ctx, struct http_request *req)
{
	struct str body = http_request_body(req);
	int i, status;

	(void)ctx;
	pthread_mutex_lock(&receiver.lock);
	i = receiver.n++ % 8;
	copy(receiver.ids[i], sizeof(receiver.ids[i]),
		http_request_header(req, "webhook-id"));
	copy(receiver.keys[i], sizeof(receiver.keys[i]),
		http_request_header(req, "idempotency-key"));
	snprintf(receiver.bodies[i], sizeof(receiver.bodies[i]), "%.*s",
		(int)body.n, body.p);
	status = receiver.statuses[i] ? receiver.statuses[i] : 200;
	if (status < 0)
		receiver.pending = req;
	pthread_mutex_unlock(&receiver.lock);
	if (status < 0)
		return;
	http_reply(req, status, "text/plain", STR("thanks\n"), &receiver.extra,
		receiver.extra ? 1 : 0);
}

static int received(void)
{
	int n;

	pthread_mutex_lock(&receiver.lock);
	n = receiver.n;
	pthread_mutex_unlock(&receiver.lock);
	return n;
}

static int setup(void **state)
{
	struct http_server_config c = {.listen = "127.0.0.1:0", .threads = 2,
		.max_body = 65536, .idle_ms = 5000, .max_connections = 16,
		.handle = receive};
	struct err err;
	char text[512];
	int rc = world_setup(state);

	receiver.n = 0;
	receiver.pending = NULL;
	receiver.extra = NULL;
	memset(receiver.statuses, 0, sizeof(receiver.statuses));
	receiver.http = http_server_start(&c, &err);
	if (!receiver.http)
		return -1;
	snprintf(text, sizeof(text),
		"triggers:\n"
		"  - {name: tell, repository: shop/web, "
		"url: 'http://127.0.0.1:%d/hook?secret=s3cr3t'}\n"
		"deployer: {state: '@', schedule: [0, 50ms, 50ms], "
		"allow_private: ['127.0.0.0/8:1025-65535']}\n",
		http_server_port(receiver.http));
	configure(text);
	return rc;
}

/* The pushes' source proves nothing, and no registry can confirm them. */
static void use_hints(void)
{
	char text[512];

	snprintf(text, sizeof(text),
		"sources: [{name: s, type: generic, "
		"auth: {url_token: 'c2VjcmV0LXNlY3JldC1zZWNyZXQ'}}]\n"
		"triggers: [{name: tell, repository: shop/web, "
		"url: 'http://127.0.0.1:%d/'}]\n"
		"deployer: {state: '@', schedule: [0, 50ms], "
		"allow_private: ['127.0.0.1/32:1025-65535']}\n",
		http_server_port(receiver.http));
	configure(text);
}

static int teardown(void **state)
{
	if (receiver.pending)
		http_reply(receiver.pending, 200, "text/plain", STR(""), NULL,
			0);
	if (receiver.http)
		http_server_stop(receiver.http);
	return world_teardown(state);
}

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

static bool one_final(void)
{
	return finals() == 1;
}

static bool two_finals(void)
{
	return finals() == 2;
}

static bool three_finals(void)
{
	return finals() == 3;
}

static bool one_received(void)
{
	return received() == 1;
}

/* The value at path in a row's JSON; static. */
static const char *in_json(const char *text, const char *path)
{
	static char buf[1024];
	struct err err;
	struct json *j = json_parse(str_from(text), NULL, &err);

	assert_non_null(j);
	copy(buf, sizeof(buf), json_str(json_path(j, path)));
	json_free(j);
	return buf;
}

/* ---- tests ------------------------------------------------------------------------- */

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

static bool refused_twice(void)
{
	return rows_of("refused") == 2;
}

/* A hint that could not be confirmed is none the more true when its sender
 * says it again. */
static void test_a_hint_again(void **state)
{
	(void)state;
	use_hints();
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	assert_non_null(strstr(row_of(EVENT(01), "refused")->reason,
		"proves nothing about its pushes"));
	deliver_again = 1;
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	deliver_again = 0;
	run_until(refused_twice);
	assert_int_equal(finals(), 1);
	assert_int_equal(received(), 0);
	stop_process();
}

/* A source that is not in our configuration may be one that only hints. */
static void test_unknown_source(void **state)
{
	char text[512];

	(void)state;
	snprintf(text, sizeof(text),
		"sources: [{name: other, type: generic, auth: {none: true}}]\n"
		"triggers: [{name: tell, repository: shop/web, "
		"url: 'http://127.0.0.1:%d/'}]\n"
		"deployer: {state: '@', schedule: [0, 50ms], "
		"allow_private: ['127.0.0.1/32:1025-65535']}\n",
		http_server_port(receiver.http));
	configure(text);
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	assert_non_null(strstr(row_of(EVENT(01), "refused")->reason,
		"configuration has no source s"));
	assert_int_equal(received(), 0);
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

/* The rules are checked where the URL is used, whatever was loaded. */
static void test_blocked_port(void **state)
{
	struct conf_trigger *t;

	(void)state;
	t = (struct conf_trigger *)(uintptr_t)conf_trigger(world.conf, "tell");
	free(t->url);
	t->url = xstrdup("http://127.0.0.1:22/");
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	assert_true(row_of(EVENT(01), "blocked_port")->final);
	assert_int_equal(received(), 0);
	stop_process();
}

/* The receiver listens where nothing private may be posted to. */
static void reconfigure(const char *rest)
{
	char text[512];

	snprintf(text, sizeof(text),
		"triggers: [{name: tell, repository: shop/web, "
		"url: 'http://localhost:%d/'}]\n%s",
		http_server_port(receiver.http), rest);
	configure(text);
}

static void test_blocked_address(void **state)
{
	const struct seen_row *row;

	(void)state;
	reconfigure("deployer: {state: '@', schedule: [0, 50ms]}\n");
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	assert_int_equal(rows_of("blocked_address"), 2);
	row = row_of(EVENT(01), "blocked_address");
	assert_non_null(strstr(row->reason, "which is not public (loopback, "));
	assert_non_null(strstr(row->reason, "to the deployer's allow_private"));
	assert_null(row->response);
	assert_int_equal(received(), 0);
	stop_process();
}

/* What is allowed is not ourselves: tried once, and never again. */
static void test_loop(void **state)
{
	char text[256];

	(void)state;
	snprintf(text, sizeof(text),
		"ingress: {http: '127.0.0.1:%d'}\n"
		"deployer: {state: '@', schedule: [0, 50ms], "
		"allow_private: ['127.0.0.1/32:1025-65535', "
		"'[::1/128]:1025-65535']}\n",
		http_server_port(receiver.http));
	reconfigure(text);
	start_process();
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	run_until(one_final);
	assert_true(row_of(EVENT(01), "loop_blocked")->final);
	assert_non_null(strstr(row_of(EVENT(01), "loop_blocked")->reason,
		"leads to Pullwire itself (127.0.0.1 port "));
	assert_int_equal(received(), 0);
	stop_process();
}

static void test_too_many_hops(void **state)
{
	(void)state;
	start_process();
	deliver_hops = 2;
	deliver(EVENT(01), "tell", "http", "v1", 1000);
	deliver_hops = 3;
	deliver(EVENT(02), "tell", "http", "v2", 2000);
	deliver_hops = 0;
	run_until(two_finals);
	assert_string_equal(in_json(row_of(EVENT(01), "200")->request,
		"headers.Pullwire-Hops"), "3");
	assert_true(row_of(EVENT(02), "loop_blocked")->final);
	assert_int_equal(received(), 1);
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
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_delivered),
		TEST(test_retried_with_the_same_id),
		TEST(test_given_up),
		TEST(test_connect_error),
		TEST(test_nothing_coalesces),
		TEST(test_a_hint_again),
		TEST(test_unknown_source),
		TEST(test_cut_off),
		TEST(test_blocked_port),
		TEST(test_blocked_address),
		TEST(test_loop),
		TEST(test_too_many_hops),
		TEST(test_notices_come_from_deployers),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
