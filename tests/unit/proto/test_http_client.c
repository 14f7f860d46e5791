/* What is asked for and how: requests, addresses, streams, cancels, many at once. */
#include "tests/unit/proto/http_client_rig.h"

#include <arpa/inet.h>

static void test_request(void **state UNUSED)
{
	static const char *const headers[] = {"X-One: 1",
		"Content-Type: application/json"};
	static const struct {
		const char *method;
		struct str body;
		size_t n_headers;
		const char *first, *has[3], *end;
	} cases[] = {
		{"GET", {"", 0}, 1, "GET /p?q=1 HTTP/1.1\r\n",
			{"\r\nX-One: 1\r\n"}, "\r\n\r\n"},
		{"POST", {"a\0b", 3}, 2, "POST /p?q=1 HTTP/1.1\r\n",
			{"\r\nContent-Length: 3\r\n",
				"\r\nContent-Type: application/json\r\n"},
			NULL},
		{"POST", {"", 0}, 0, "POST /p?q=1 HTTP/1.1\r\n",
			{"\r\nContent-Length: 0\r\n"}, "\r\n\r\n"},
		{"DELETE", {"", 0}, 0, "DELETE /p?q=1 HTTP/1.1\r\n", {NULL},
			"\r\n\r\n"},
		{"PUT", {"xy", 2}, 0, "PUT /p?q=1 HTTP/1.1\r\n",
			{"\r\nContent-Length: 2\r\n"}, "\r\n\r\nxy"},
	};
	static const struct play play = {.head = OK_HEAD "hello"};
	static const char *const never[] = {"Accept-Encoding", "Expect",
		"urlencoded", "User-Agent"};

	setenv("http_proxy", "http://127.0.0.1:1/", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1/", 1);
	for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(ways); i++) {
		size_t k = i / ARRAY_LEN(ways);
		struct outcome o = {0};
		struct http_call call = {.method = cases[k].method,
			.url = srv.url, .headers = headers,
			.n_headers = cases[k].n_headers, .body = cases[k].body};

		serve_tcp(&play);
		ways[i % ARRAY_LEN(ways)](&call, &o);
		stop_server();
		assert_int_equal(o.status, 200);
		assert_string_equal(o.body, "hello");
		assert_memory_equal(srv.request, cases[k].first,
			strlen(cases[k].first));
		for (size_t h = 0; h < 3 && cases[k].has[h]; h++)
			assert_non_null(strstr(srv.request, cases[k].has[h]));
		for (size_t h = 0; h < ARRAY_LEN(never); h++)
			assert_null(strcasestr(srv.request, never[h]));
		if (cases[k].end)
			assert_string_equal(srv.request + strlen(srv.request) -
					strlen(cases[k].end), cases[k].end);
	}
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void test_head_has_no_body(void **state UNUSED)
{
	static const struct play play = {.head = OK_HEAD, .pause_ms = 60000};
	struct http_call call = {.method = "HEAD", .url = srv.url};
	struct outcome o = {0};

	serve_tcp(&play);
	perform(&call, &o);
	assert_int_equal(o.status, 200);
	assert_in_range(o.took, 0, 30000);
	stop_server();
}

static void test_unix_socket(void **state UNUSED)
{
	static const struct play play = {.head = OK_HEAD "hello"};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct http_call call = {.method = "GET",
			.url = "http://docker/v1.41/info",
			.unix_socket = srv.path};
		struct outcome o = {0};
		char path[108], want[200];

		serve_unix(&play);
		ways[i](&call, &o);
		assert_int_equal(o.status, 200);
		assert_memory_equal(srv.request, "GET /v1.41/info ", 16);
		assert_memory_equal(o.address, "unix:/tmp/", 10);
		snprintf(path, sizeof(path), "%s", srv.path);
		stop_server();

		call.unix_socket = path;
		memset(&o, 0, sizeof(o));
		ways[i](&call, &o);
		snprintf(want, sizeof(want),
			"could not connect to %s: no such file or directory",
			path);
		assert_string_equal(o.text, want);
		assert_int_equal(o.code, HTTP_FAIL_CONNECT);
	}
}

/* ---- addresses --------------------------------------------------------- */

struct asked {
	int n;
	char last[64];
	bool allow;
};

static bool allow(void *ctx, const struct sockaddr *addr)
{
	struct asked *a = ctx;
	const struct sockaddr_in *in = (const void *)addr;

	a->n++;
	if (addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &in->sin_addr, a->last, sizeof(a->last));
	else
		snprintf(a->last, sizeof(a->last), "family %d",
			addr->sa_family);
	return a->allow;
}

static void test_allow_address(void **state UNUSED)
{
	static const char *const hosts[] = {"127.0.0.1", "0x7f.1", "2130706433",
		"0177.0.0.1", "[::ffff:127.0.0.1]"};
	static const struct play play = {.head = OK_HEAD "hello"};

	for (size_t i = 0; i < ARRAY_LEN(hosts) * ARRAY_LEN(ways) * 2; i++) {
		struct asked asked = {.allow = i % 2};
		char url[100];
		struct http_call call = {.method = "GET", .url = url,
			.allow_address = allow, .ctx = &asked};
		struct outcome o = {0};

		serve_tcp(&play);
		snprintf(url, sizeof(url), "http://%s:%d/",
			hosts[i / 2 / ARRAY_LEN(ways)], srv.port);
		ways[i / 2 % ARRAY_LEN(ways)](&call, &o);
		stop_server();
		assert_int_equal(asked.n, 1);
		assert_string_equal(asked.last, "127.0.0.1");
		assert_int_equal(srv.connections, asked.allow);
		assert_int_equal(o.code, asked.allow ? 0 : HTTP_FAIL_ADDRESS);
		if (!asked.allow)
			assert_non_null(strstr(o.text,
				" is the address 127.0.0.1, which is not "
				"allowed"));
	}
}

static void test_start_asks_each_time(void **state UNUSED)
{
	static const struct play play = {.head = OK_HEAD "hello", .keep = true};
	struct asked asked = {.allow = true};
	struct http_call call = {.method = "GET", .url = srv.url,
		.allow_address = allow, .ctx = &asked};
	struct http_client *c;

	serve_tcp(&play);
	loop = loop_new();
	c = http_client_new(loop);
	for (int i = 0; i < 3; i++) {
		struct outcome o = {0};

		http_client_start(c, &call, on_done, &o);
		loop_run(loop);
		assert_int_equal(o.status, 200);
	}
	http_client_free(c);
	loop_free(loop);
	stop_server();
	assert_int_equal(asked.n, 3);
	assert_int_equal(srv.connections, 3);
}

static void test_conn_is_reused(void **state UNUSED)
{
	static const struct play play = {.head = OK_HEAD "hello", .keep = true};
	struct http_conn *c = http_conn_new();

	serve_tcp(&play);
	for (int i = 0; i < 3; i++) {
		struct http_call call = {.method = "GET", .url = srv.url};
		struct http_result res;
		char value[8];

		assert_int_equal(http_perform(c, &call, &res, NULL), 0);
		assert_int_equal(res.connected, i == 0);
		assert_true(http_result_header(
			&res, "x-a", value, sizeof(value)));
		assert_string_equal(value, "1");
		assert_false(http_result_header(
			&res, "X", value, sizeof(value)));
		assert_int_equal(strlen(strbuf_cstr(&res.body)), 5);
		http_result_release(&res);
	}
	http_conn_free(c);
	stop_server();
	assert_int_equal(srv.connections, 1);
	assert_int_equal(srv.requests, 3);
}

/* ---- streams and cancels ----------------------------------------------- */

struct stream {
	size_t n, stop_at;
};

static int on_data(void *ctx, struct str data)
{
	struct stream *s = ctx;

	s->n += data.n;
	return s->stop_at && s->n >= s->stop_at;
}

static void test_stream(void **state UNUSED)
{
	static const struct {
		struct play play;
		size_t stop_at, n;
		int status, code;
	} cases[] = {
		{{.head = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n",
			 .repeat = 3000000}, 0, 3000000, 200, 0},
		{{.head = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n",
			 .repeat = 3000000}, 1, 1, 200, HTTP_FAIL_ABORTED},
		{{.head = "HTTP/1.1 500 Oh\r\nContent-Length: 10\r\n\r\n", .repeat = 10}, 0, 0,
			500, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(ways); i++) {
		size_t k = i / ARRAY_LEN(ways);
		struct stream s = {.stop_at = cases[k].stop_at};
		struct http_call call = {.method = "GET", .url = srv.url,
			.max_body = 100, .on_data = on_data, .ctx = &s};
		struct outcome o = {0};

		serve_tcp(&cases[k].play);
		ways[i % ARRAY_LEN(ways)](&call, &o);
		stop_server();
		assert_int_equal(o.status, cases[k].status);
		assert_int_equal(o.code, cases[k].code);
		assert_true(s.n >= cases[k].n);
		if (cases[k].stop_at == 0)
			assert_int_equal(s.n, cases[k].n);
		assert_int_equal(o.n_body, o.status == 500 ? 10 : 0);
	}
}

static void never(void *ctx UNUSED, const struct http_result *res UNUSED,
	const struct err *err UNUSED)
{
	fail_msg("done was called after the cancel");
}

static void stop(void *ctx UNUSED)
{
	loop_stop(loop);
}

static void test_cancel(void **state UNUSED)
{
	static const struct play play = {.head = OK_HEAD "he", .pause_ms = 60000};
	struct http_call call = {.method = "GET", .url = srv.url};
	struct http_call dns = {
		.method = "GET", .url = "http://no-such-host.invalid/"};
	struct http_handle *h, *at_once, *name;
	struct http_client *c;
	int64_t began = clock_mono();

	serve_tcp(&play);
	loop = loop_new();
	c = http_client_new(loop);
	h = http_client_start(c, &call, never, NULL);
	at_once = http_client_start(c, &call, never, NULL);
	http_handle_cancel(&at_once);
	name = http_client_start(c, &dns, never, NULL);
	http_handle_cancel(&name);
	loop_timer_start(loop, 100, 0, stop, NULL);
	loop_run(loop);
	http_handle_cancel(&h);
	assert_null(h);
	http_handle_cancel(&h);
	http_client_start(c, &call, never, NULL);
	loop_timer_start(loop, 50, 0, stop, NULL);
	loop_run(loop);
	http_client_free(c); /* one is still under way */
	loop_free(loop);
	stop_server();
	assert_in_range(clock_mono() - began, 100, 30000);
}

/* ---- many at once, one from within another's end ----------------------- */

static struct {
	struct http_client *client;
	struct http_call call;
	struct http_handle *other;
	int left, good;
} many;

static void one_more(void *ctx UNUSED, const struct http_result *res,
	const struct err *err)
{
	many.good += !err && res->status == 200;
	if (--many.left == 0)
		loop_stop(loop);
	else if (many.left % 2)
		http_client_start(many.client, &many.call, one_more, NULL);
	if (many.left == 20)
		http_handle_cancel(&many.other);
}

static void test_many(void **state UNUSED)
{
	static const struct play play = {.head = OK_HEAD "hello"};

	serve_tcp(&play);
	loop = loop_new();
	many.client = http_client_new(loop);
	many.call = (struct http_call){.method = "GET", .url = srv.url};
	many.good = 0;
	many.left = 40;
	for (int i = 0; i < 20; i++)
		http_client_start(many.client, &many.call, one_more, NULL);
	many.call.url = "http://no-such-host.invalid/";
	many.other = http_client_start(many.client, &many.call, never, NULL);
	http_handle_cancel(&many.other);
	many.call.url = srv.url;
	many.other = NULL;
	loop_run(loop);
	assert_int_equal(many.good, 40);
	http_client_free(many.client);
	loop_free(loop);
	stop_server();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_head_has_no_body),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_allow_address),
		cmocka_unit_test(test_start_asks_each_time),
		cmocka_unit_test(test_conn_is_reused),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_many),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
