/* What the http lane does not send: unproven pushes, blocked addresses, loops. */
#include "tests/unit/deployer/notify_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_hint_again),
		TEST(test_unknown_source),
		TEST(test_blocked_port),
		TEST(test_blocked_address),
		TEST(test_loop),
		TEST(test_too_many_hops),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
