#include "proto/io/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

/* ---- a server that plays one answer ------------------------------------ */

struct play {
	const char *head; /* sent as it is; NULL: accepts and says nothing */
	size_t repeat;    /* then so many times 'x' */
	const char *tail;
	int64_t pause_ms; /* before closing */
	bool blurt;       /* without reading the request */
	bool keep;        /* further requests on the same connection */
};

static struct {
	int listen_fd, port;
	char url[64], path[108]; /* of the unix socket */
	pthread_t thread;
	struct play play;
	char request[8192]; /* the last one */
	int requests, connections;
	atomic_bool stop;
} srv;

static bool read_request(int fd)
{
	size_t n = 0;

	memset(srv.request, 0, sizeof(srv.request));
	for (;;) {
		char *end = strstr(srv.request, "\r\n\r\n");
		char *length = strstr(srv.request, "Content-Length: ");
		ssize_t got;

		if (end && n >= (size_t)(end + 4 - srv.request) +
				(length ? strtoul(length + 16, NULL, 10) : 0))
			return true;
		got = recv(fd, srv.request + n, sizeof(srv.request) - 1 - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
	}
}

static bool put(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);

		if (w <= 0)
			return false;
		p += w;
		n -= (size_t)w;
	}
	return true;
}

static void serve(int fd)
{
	static char block[65536];
	const struct play *p = &srv.play;

	memset(block, 'x', sizeof(block));
	do {
		if (!p->blurt && !read_request(fd))
			return;
		srv.requests++;
		if (p->head)
			put(fd, p->head, strlen(p->head));
		for (size_t left = p->repeat; left > 0;) {
			size_t n = left < sizeof(block) ? left : sizeof(block);

			if (!put(fd, block, n))
				return;
			left -= n;
		}
		if (p->tail)
			put(fd, p->tail, strlen(p->tail));
		for (int64_t i = 0; i < p->pause_ms && !srv.stop; i += 10)
			clock_sleep(10);
	} while (p->keep && !srv.stop);
}

static void *server(void *arg UNUSED)
{
	for (;;) {
		int fd = accept(srv.listen_fd, NULL, NULL);

		if (srv.stop || fd < 0) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		srv.connections++;
		serve(fd);
		close(fd);
	}
}

static void start_server(const struct play *play)
{
	srv.play = *play;
	srv.requests = srv.connections = 0;
	srv.stop = false;
	assert_int_equal(listen(srv.listen_fd, 64), 0);
	assert_int_equal(pthread_create(&srv.thread, NULL, server, NULL), 0);
}

static void serve_tcp(const struct play *play)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof(a);

	srv.listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(srv.listen_fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(
		getsockname(srv.listen_fd, (struct sockaddr *)&a, &n), 0);
	srv.port = ntohs(a.sin_port);
	snprintf(srv.url, sizeof(srv.url), "http://127.0.0.1:%d/p?q=1",
		srv.port);
	start_server(play);
}

static void serve_unix(const struct play *play)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(srv.path, sizeof(srv.path), "/tmp/pullwire-test-%d.sock",
		(int)getpid());
	unlink(srv.path);
	memcpy(a.sun_path, srv.path, sizeof(srv.path));
	srv.listen_fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
		bind(srv.listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	start_server(play);
}

static void stop_server(void)
{
	srv.stop = true;
	shutdown(srv.listen_fd, SHUT_RDWR);
	pthread_join(srv.thread, NULL);
	close(srv.listen_fd);
	if (srv.path[0])
		unlink(srv.path);
	srv.path[0] = '\0';
}

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

/* ---- both ways to call ------------------------------------------------- */

struct outcome {
	bool done;
	int rc, code;
	int status;
	char text[512], body[4096], headers[4096], address[64];
	size_t n_body, n_headers;
	int64_t took;
};

static void keep(struct outcome *o, const struct http_result *res,
	const struct err *err)
{
	o->done = true;
	o->rc = err ? -1 : 0;
	o->code = err ? err->code : 0;
	snprintf(o->text, sizeof(o->text), "%s", err ? err->text : "");
	o->status = res->status;
	o->n_body = res->body.len;
	o->n_headers = res->headers.len;
	snprintf(o->body, sizeof(o->body), "%s", strbuf_cstr(&res->body));
	snprintf(o->headers, sizeof(o->headers), "%s",
		strbuf_cstr(&res->headers));
	snprintf(o->address, sizeof(o->address), "%s", res->address);
}

static struct loop *loop;

static void on_done(void *ctx, const struct http_result *res,
	const struct err *err)
{
	keep(ctx, res, err);
	loop_stop(loop);
}

static void perform(const struct http_call *call, struct outcome *o)
{
	struct http_result res;
	struct err err = {0};
	int64_t began = clock_mono();
	int rc = http_perform(NULL, call, &res, &err);

	keep(o, &res, rc ? &err : NULL);
	o->took = clock_mono() - began;
	http_result_release(&res);
}

static void start(const struct http_call *call, struct outcome *o)
{
	struct http_client *c;
	int64_t began = clock_mono();

	loop = loop_new();
	c = http_client_new(loop);
	http_client_start(c, call, on_done, o);
	assert_false(o->done);
	loop_run(loop);
	o->took = clock_mono() - began;
	http_client_free(c);
	loop_free(loop);
}

typedef void call_fn(const struct http_call *call, struct outcome *o);
static call_fn *const ways[] = {perform, start};

#define OK_HEAD "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\n"

/* ---- tests ------------------------------------------------------------- */

static void test_answers(void **state UNUSED)
{
	static const struct {
		struct play play;
		size_t max_body;
		bool truncate;
		int status, code;
		size_t n_body;
		const char *text;
	} cases[] = {
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

	for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(ways); i++) {
		size_t k = i / ARRAY_LEN(ways);
		struct outcome o = {0};
		struct http_call call = {.method = "GET", .url = srv.url,
			.max_body = cases[k].max_body,
			.truncate = cases[k].truncate, .total_ms = 60000};
		char *port, want[200];

		serve_tcp(&cases[k].play);
		ways[i % ARRAY_LEN(ways)](&call, &o);
		snprintf(want, sizeof(want), "%s", cases[k].text);
		port = strstr(want, "PORT");
		if (port) {
			char tail[200];

			snprintf(tail, sizeof(tail), "%s", port + 4);
			snprintf(port, sizeof(want) - (size_t)(port - want),
				"%d%s", srv.port, tail);
		}
		if (o.status != cases[k].status || o.code != cases[k].code ||
			strncmp(o.text, want, strlen(want)) != 0 ||
			(cases[k].n_body != SIZE_MAX &&
				o.n_body != cases[k].n_body))
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
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_many_headers),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_head_has_no_body),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_connect_timeout),
		cmocka_unit_test(test_tls),
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
