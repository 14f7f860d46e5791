/* Requests that are fine, answers that come later, where a server listens. */
#include "tests/unit/proto/http_server_rig.h"

#include "proto/base/clock.h"

static void test_good(void **state UNUSED)
{
	static const struct {
		const char *p;
		size_t n;
		const char *body;
	} cases[] = {
		{BYTES("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
			"GET /a k=- h=- 0:"},
		{BYTES("GET /a/%2e?k=a%20b+c%3D&k=2&z HTTP/1.1\r\nHost: a\r\n"
		       "\r\n"),
			"GET /a/%2e k=a b+c= h=- 0:"},
		{BYTES("GET / HTTP/1.0\r\nX-Test:  v w \r\n\r\n"),
			"GET / k=- h=v w 0:"},
		{BYTES("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
			"GET / k=- h=- 0:"},
		{BYTES(HEAD "X-Test:\r\nContent-Length: 5\r\n\r\nhello"),
			"POST /x k=- h= 5:hello"},
		{BYTES(HEAD "Content-Length: 0\r\n\r\n"),
			"POST /x k=- h=- 0:"},
		{BYTES(HEAD "X-Test: 1\r\nx-test: 2\r\n"
			    "Transfer-Encoding: Chunked\r\n\r\n"
			    "3\r\nabc\r\n2\r\nde\r\n0\r\nT: r\r\n\r\n"),
			"POST /x k=- h=1 5:abcde"},
		{BYTES(HEAD "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
			    "ok"),
			"POST /x k=- h=- 2:ok"},
		{BYTES("GET /u HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n"
		       "Connection: Upgrade, HTTP2-Settings\r\n"
		       "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"),
			"GET /u k=- h=- 0:"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct reply r;

		exchange(cases[i].p, cases[i].n, false, &r);
		if (r.status != 200)
			fail_msg("case %zu: %s", i, r.text);
		assert_string_equal(r.body, cases[i].body);
		assert_non_null(strstr(r.text, "\r\nRetry-After: 7\r\n"));
		assert_non_null(
			strstr(r.text, "\r\nContent-Type: text/plain\r\n"));
	}
	assert_string_equal(t.peer, "127.0.0.1");
}

/* Split anywhere, it is the same request. */
static void test_split(void **state UNUSED)
{
	static const char req[] = HEAD "Content-Length: 5\r\n\r\nhello";

	for (size_t at = 1; at < sizeof(req) - 1; at += 3) {
		struct reply r;
		int fd = dial();

		put(fd, req, at);
		clock_sleep(2);
		put(fd, req + at, sizeof(req) - 1 - at);
		get(fd, &r);
		close(fd);
		assert_string_equal(r.body, "POST /x k=- h=- 5:hello");
	}
}

static void test_keep_alive_and_pipeline(void **state UNUSED)
{
	static const char two[] = HEAD "Content-Length: 3\r\n\r\none"
		"GET /2 HTTP/1.1\r\nHost: a\r\nX-Test: z\r\n\r\n";
	struct reply r;
	int fd = dial();

	for (int i = 0; i < 50; i++) {
		put(fd, two, 50); /* less than the first request */
		put(fd, two + 50, sizeof(two) - 1 - 50);
		memset(&r, 0, sizeof(r));
		for (size_t n = 0; !strstr(r.text, "GET /2 k=- h=z 0:");) {
			ssize_t got = recv(fd, r.text + n,
				sizeof(r.text) - 1 - n, 0);

			assert_true(got > 0);
			n += (size_t)got;
		}
		assert_non_null(strstr(r.text, "POST /x k=- h=- 3:one"));
	}
	assert_int_equal(t.handled, 100);
	close(fd);
}

/* ---- answers later ----------------------------------------------------- */

#define CLIENTS 64

static void *answer_all(void *ctx UNUSED)
{
	for (int left = CLIENTS; left > 0; left--) {
		struct http_request *r;

		pthread_mutex_lock(&t.lock);
		while (t.kept.n == 0)
			pthread_cond_wait(&t.changed, &t.lock);
		r = t.kept.v[--t.kept.n];
		pthread_mutex_unlock(&t.lock);
		answer(r);
	}
	return NULL;
}

static void test_answers_from_another_thread(void **state UNUSED)
{
	static const char req[] = HEAD "Content-Length: 2\r\n\r\nhi";
	pthread_t thread;
	int fds[CLIENTS];
	struct reply r;

	t.later = true;
	for (int i = 0; i < CLIENTS; i++)
		fds[i] = dial();
	for (int round = 0; round < 20; round++) {
		pthread_create(&thread, NULL, answer_all, NULL);
		for (int i = 0; i < CLIENTS; i++)
			put(fds[i], BYTES(req));
		for (int i = 0; i < CLIENTS; i++) {
			get(fds[i], &r);
			assert_int_equal(r.status, 200);
			assert_string_equal(r.body, "POST /x k=- h=- 2:hi");
		}
		pthread_join(thread, NULL);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fds[i]);
}

/* The client leaves while its request waits. */
static void test_answer_to_nobody(void **state UNUSED)
{
	int fd = dial();

	t.later = true;
	put(fd, BYTES("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_true(wait_handled(1));
	close(fd);
	clock_sleep(20);
	answer(t.kept.v[0]);
	t.later = false;
}

static void test_quiesce(void **state UNUSED)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(server)),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = dial(), other = socket(AF_INET, SOCK_STREAM, 0);
	struct reply r;

	t.later = true;
	put(fd, BYTES("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_true(wait_handled(1));
	http_server_quiesce(server);
	assert_int_equal(connect(other, (struct sockaddr *)&a, sizeof(a)), -1);
	answer(t.kept.v[0]);
	get(fd, &r);
	assert_int_equal(r.status, 200);
	close(fd);
	close(other);
}

/* A request that waits when the server stops; its answer comes after. */
static void test_stop_before_answer(void **state UNUSED)
{
	int fd = dial();

	t.later = true;
	put(fd, BYTES(HEAD "X-Test: q\r\nContent-Length: 2\r\n\r\nhi"));
	assert_true(wait_handled(1));
	http_server_stop(server);
	server = NULL;
	assert_string_equal(
		http_request_header(t.kept.v[0], "X-Test"), "q");
	answer(t.kept.v[0]);
	close(fd);
}

/* ---- life -------------------------------------------------------------- */

static int setup_limited(void **state UNUSED)
{
	return setup_with("127.0.0.1:0", 5000, 3);
}

static void test_connections_per_address(void **state UNUSED)
{
	int fds[3];
	struct reply r;

	for (int i = 0; i < 3; i++)
		fds[i] = dial();
	exchange(BYTES("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), false, &r);
	assert_int_equal(r.status, 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	for (int i = 0; i < 6000 && r.status != 200; i++) {
		clock_sleep(10);
		exchange(BYTES("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"),
			false, &r);
	}
	assert_int_equal(r.status, 200);
}

static void test_listen(void **state UNUSED)
{
	static const struct {
		const char *listen, *error; /* NULL: works */
	} cases[] = {
		{"*:0", NULL}, {"0.0.0.0:0", NULL}, {"localhost:0", NULL},
		{"8080", "\"8080\" is not an address to listen at: write "},
		{"127.0.0.1:x", "\"127.0.0.1:x\" is not an address"},
		{"127.0.0.1:70000", "\"127.0.0.1:70000\" is not"},
		{"192.0.2.1:0", "cannot listen at 192.0.2.1:0: Cannot assign"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct http_server_config c = {.listen = cases[i].listen,
			.max_body = 1, .handle = handle};
		struct http_server *s;
		struct err err = {0};

		s = http_server_start(&c, &err);
		if (cases[i].error) {
			assert_null(s);
			assert_memory_equal(err.text, cases[i].error,
				strlen(cases[i].error));
		} else {
			assert_non_null(s);
			assert_in_range(http_server_port(s), 1, 65535);
			http_server_stop(s);
		}
	}
}

static void test_listen_taken(void **state UNUSED)
{
	char where[32];
	struct err err = {0};
	struct http_server_config c = {.listen = where, .handle = handle};

	snprintf(where, sizeof(where), "127.0.0.1:%d",
		http_server_port(server));
	assert_null(http_server_start(&c, &err));
	assert_non_null(strstr(err.text, "Address already in use"));
}

static int setup_any(void **state UNUSED)
{
	return setup_with("*:0", 5000, 0);
}

/* Both families on one socket; a v4 peer is told as v4. */
static void test_mapped_peer(void **state UNUSED)
{
	struct reply r;

	exchange(BYTES("GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), false, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(t.peer, "127.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_split),
		TEST(test_keep_alive_and_pipeline),
		TEST(test_answers_from_another_thread),
		TEST(test_answer_to_nobody),
		TEST(test_quiesce),
		TEST(test_stop_before_answer),
		TEST(test_listen_taken),
		cmocka_unit_test(test_listen),
		cmocka_unit_test_setup_teardown(
			test_connections_per_address, setup_limited, teardown),
		cmocka_unit_test_setup_teardown(
			test_mapped_peer, setup_any, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
