/* What comes back: answers whole, cut short, too large, too late, or none. */
#include "tests/unit/proto/http_client_rig.h"

/* A port that nobody listens at. */
static void dead_url(char *url, size_t n)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	bind(fd, (struct sockaddr *)&a, len);
	getsockname(fd, (struct sockaddr *)&a, &len);
	snprintf(url, n, "http://127.0.0.1:%d/", ntohs(a.sin_port));
	close(fd);
}

static const struct {
	struct play play;
	size_t max_body;
	bool truncate;
	int status, code;
	size_t n_body;
	const char *text;
} answers[] = {
	{{.head = OK_HEAD "hello"}, 0, false, 200, 0, 5, ""},
	{{.head = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"},
		0, false, 404, 0, 0, ""},
	{{.head = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
	  "Content-Length: 0\r\n\r\n"}, 0, false, 302, 0, 0, ""},
	{{.head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"}, 0, false, 200, 0, 5, ""},
	{{.head = "HTTP/1.0 200 OK\r\n\r\nuntil it ends"},
		0, false, 200, 0, 13, ""},
	{{.head = "HTTP/1.1 100 Continue\r\nX-B: 0\r\n\r\n" OK_HEAD "hello"},
		0, false, 200, 0, 5, ""},
	/* What is packed stays packed. */
	{{.head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
	  "Content-Length: 3\r\n\r\n\x1f\x8b\x08"},
		0, false, 200, 0, 3, ""},
	/* Cut short. */
	{{.head = OK_HEAD "hel"}, 0, false, 200, HTTP_FAIL_PROTOCOL, 3,
		"the exchange with 127.0.0.1:PORT broke off: "},
	{{.head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	  "9\r\nabc"}, 0, false, 200, HTTP_FAIL_PROTOCOL, 3,
		"the exchange with 127.0.0.1:PORT broke off: "},
	{{.head = "HTTP/1.1 200 OK\r\nX-A"}, 0, false, 200, HTTP_FAIL_PROTOCOL,
		0, "the exchange with 127.0.0.1:PORT broke off within "
		"the headers"},
	{{.head = ""}, 0, false, 0, HTTP_FAIL_PROTOCOL, 0,
		"the exchange with 127.0.0.1:PORT broke off: Empty"},
	/* Not HTTP. */
	{{.head = "SSH-2.0-OpenSSH_9.2\r\n"}, 0, false, 0, HTTP_FAIL_PROTOCOL,
		0, "what 127.0.0.1:PORT answers is not HTTP"},
	/* Too large: at the limit, over it, far over it. */
	{{.head = OK_HEAD "hello"}, 5, false, 200, 0, 5, ""},
	{{.head = OK_HEAD "hello"}, 4, false, 200, HTTP_FAIL_PROTOCOL, 0,
		"the answer of 127.0.0.1:PORT is larger than 4 bytes"},
	{{.head = OK_HEAD "hello"}, 4, true, 200, 0, 4, ""},
	{{.head = "HTTP/1.1 200 OK\r\n\r\n", .repeat = 300000000}, 8192, true, 200, 0,
		8192, ""},
	{{.head = "HTTP/1.1 200 OK\r\n\r\n", .repeat = 300000000}, 8192, false, 200,
		HTTP_FAIL_PROTOCOL, SIZE_MAX,
		"the answer of 127.0.0.1:PORT is larger than 8192"},
	/* Headers without end, in one line and in many. */
	{{.head = "HTTP/1.1 200 OK\r\nX: ", .repeat = 300000000}, 0, false, 200,
		HTTP_FAIL_PROTOCOL, 0, ""},
};

static void test_answers(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_LEN(answers) * ARRAY_LEN(ways); i++) {
		size_t k = i / ARRAY_LEN(ways);
		struct outcome o = {0};
		struct http_call call = {.method = "GET", .url = srv.url,
			.max_body = answers[k].max_body,
			.truncate = answers[k].truncate, .total_ms = 60000};
		char *port, want[200];

		serve_tcp(&answers[k].play);
		ways[i % ARRAY_LEN(ways)](&call, &o);
		snprintf(want, sizeof(want), "%s", answers[k].text);
		port = strstr(want, "PORT");
		if (port) {
			char tail[200];

			snprintf(tail, sizeof(tail), "%s", port + 4);
			snprintf(port, sizeof(want) - (size_t)(port - want),
				"%d%s", srv.port, tail);
		}
		if (o.status != answers[k].status || o.code != answers[k].code ||
			strncmp(o.text, want, strlen(want)) != 0 ||
			(answers[k].n_body != SIZE_MAX &&
				o.n_body != answers[k].n_body))
			fail_msg("case %zu: %d, code %d, %zu bytes, %s", k,
				o.status, o.code, o.n_body, o.text);
		assert_int_equal(o.rc, o.code ? -1 : 0);
		assert_memory_equal(o.address, "127.0.0.1:", 10);
		stop_server();
	}
}

static void test_many_headers(void **state UNUSED)
{
	struct strbuf head = {0};
	struct play play;

	strbuf_add_cstr(&head, "HTTP/1.1 204 No Content\r\nFirst: ");
	for (int i = 0; i < 5000; i++)
		strbuf_add_char(&head, 'v');
	for (int i = 0; i < 60; i++)
		strbuf_addf(&head, "\r\nH%d: %d", i, i);
	strbuf_add_cstr(&head, "\r\n\r\n");
	play = (struct play){.head = head.buf};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct http_call call = {.method = "GET", .url = srv.url};
		struct outcome o = {0};

		serve_tcp(&play);
		ways[i](&call, &o);
		assert_int_equal(o.status, 204);
		assert_in_range(o.n_headers, 1300, 1500);
		assert_non_null(strstr(o.headers, "\nH48: 48\n"));
		assert_null(strstr(o.headers, "\nH49: 49\n"));
		stop_server();
	}
	strbuf_release(&head);
}

static void test_no_connection(void **state UNUSED)
{
	static const struct {
		const char *url; /* NULL: the dead port */
		int code;
		const char *text;
	} cases[] = {
		{NULL, HTTP_FAIL_CONNECT, ": connection refused"},
		{"http://no-such-host.invalid/", HTTP_FAIL_DNS,
			"could not resolve the name in "
			"no-such-host.invalid:80"},
		{"ftp://127.0.0.1/", HTTP_FAIL_PROTOCOL,
			"the URL is not one that is called: "},
		{"file:///etc/passwd", HTTP_FAIL_PROTOCOL,
			"the URL is not one that is called: "},
		{"gopher://127.0.0.1/", HTTP_FAIL_PROTOCOL,
			"the URL is not one that is called: "},
		{"http://user:word@127.0.0.1/", HTTP_FAIL_PROTOCOL,
			"the URL is not one that is called: "},
		{"http://", HTTP_FAIL_PROTOCOL,
			"the URL is not one that is called: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(ways); i++) {
		size_t k = i / ARRAY_LEN(ways);
		char dead[64];
		struct http_call call = {.method = "GET", .url = cases[k].url};
		struct outcome o = {0};

		dead_url(dead, sizeof(dead));
		if (!call.url)
			call.url = dead;
		ways[i % ARRAY_LEN(ways)](&call, &o);
		if (o.code != cases[k].code || !strstr(o.text, cases[k].text))
			fail_msg("case %zu: code %d, %s", k, o.code, o.text);
		assert_int_equal(o.status, 0);
	}
}

static void test_timeouts(void **state UNUSED)
{
	static const struct {
		struct play play;
		int64_t total_ms, stall_ms;
		int status;
		const char *text;
	} cases[] = {
		{{.pause_ms = 60000}, 200, 0, 0,
			" did not answer within 200 ms"},
		{{.head = OK_HEAD "he", .pause_ms = 60000}, 200, 0, 200,
			" did not end within 200 ms"},
		{{.pause_ms = 60000}, 0, 1000, 0,
			" sent nothing for 1000 ms"},
		{{.head = OK_HEAD "he", .pause_ms = 60000}, 0, 1000, 200,
			" sent nothing for 1000 ms"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(ways); i++) {
		size_t k = i / ARRAY_LEN(ways);
		struct http_call call = {.method = "GET", .url = srv.url,
			.total_ms = cases[k].total_ms,
			.stall_ms = cases[k].stall_ms};
		struct outcome o = {0};

		serve_tcp(&cases[k].play);
		ways[i % ARRAY_LEN(ways)](&call, &o);
		stop_server();
		if (o.code != HTTP_FAIL_TIMEOUT || o.took > 30000 ||
			o.status != cases[k].status ||
			!strstr(o.text, cases[k].text))
			fail_msg("case %zu: code %d, status %d, %lld ms, %s",
				k, o.code, o.status, (long long)o.took, o.text);
	}
}

/* A backlog that is full takes no further connection. */
static void test_connect_timeout(void **state UNUSED)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), fill[4];
	char url[64];

	bind(fd, (struct sockaddr *)&a, n);
	getsockname(fd, (struct sockaddr *)&a, &n);
	listen(fd, 0);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)!connect(fill[i], (struct sockaddr *)&a, n);
	}
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/", ntohs(a.sin_port));
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct http_call call = {
			.method = "GET", .url = url, .connect_ms = 300};
		struct outcome o = {0};

		ways[i](&call, &o);
		assert_int_equal(o.code, HTTP_FAIL_TIMEOUT);
		assert_in_range(o.took, 250, 30000);
		assert_memory_equal(o.text,
			"could not connect to 127.0.0.1:", 31);
	}
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
	close(fd);
}

static void test_tls(void **state UNUSED)
{
	static const struct play play = {
		.head = "HTTP/1.1 400 Bad Request\r\n\r\n", .blurt = true};
	char url[64];

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		struct http_call call = {.method = "GET", .url = url};
		struct outcome o = {0};

		serve_tcp(&play);
		snprintf(url, sizeof(url), "https://127.0.0.1:%d/", srv.port);
		ways[i](&call, &o);
		assert_int_equal(o.code, HTTP_FAIL_TLS);
		assert_memory_equal(o.text, "TLS with 127.0.0.1:", 19);
		stop_server();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_connect_timeout),
		cmocka_unit_test(test_tls),
	};

	http_global_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
