/*
 * What the tests of the HTTP server share: a server whose handler notes what it
 * is given and answers with it, at once or later, and a client of plain
 * sockets, which sends whatever bytes a test likes.
 */
#ifndef TESTS_UNIT_PROTO_HTTP_SERVER_RIG_H
#define TESTS_UNIT_PROTO_HTTP_SERVER_RIG_H

#include "proto/io/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/strbuf.h"
#include "proto/base/vec.h"

#define MAX_BODY 1000

/* What the handler saw and does. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int handled;
	enum http_fault fault;
	char text[160], method[32], path[64], peer[64];
	size_t body;
	bool later;                 /* keep the request, answer elsewhere */
	VEC(struct http_request *) kept;
} t = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static struct http_server *server;
static int64_t send_ms; /* of the next server; 0: as it comes */

/* ---- the server's side ------------------------------------------------- */

static inline void answer(struct http_request *r)
{
	static const int status[] = {[HTTP_OK] = 200, [HTTP_TOO_LARGE] = 413,
		[HTTP_BAD_REQUEST] = 400, [HTTP_BAD_ENCODING] = 415};
	static const char *const extra[] = {"Retry-After: 7"};
	const char *q = http_request_query(r, "k");
	const char *h = http_request_header(r, "x-test");
	struct str b = http_request_body(r);
	struct strbuf out = {0};

	strbuf_addf(&out, "%s %s k=%s h=%s %zu:", http_request_method(r),
		http_request_path(r), q ? q : "-", h ? h : "-", b.n);
	strbuf_add_str(&out, str_cut(b, 0, 20));
	http_reply(r, status[http_request_fault(r)], "text/plain",
		strbuf_str(&out), extra, 1);
	strbuf_release(&out);
}

static inline void handle(void *ctx UNUSED, struct http_request *r)
{
	bool later;

	pthread_mutex_lock(&t.lock);
	t.handled++;
	t.fault = http_request_fault(r);
	snprintf(t.text, sizeof(t.text), "%s", http_request_fault_text(r));
	snprintf(t.method, sizeof(t.method), "%s", http_request_method(r));
	snprintf(t.path, sizeof(t.path), "%s", http_request_path(r));
	snprintf(t.peer, sizeof(t.peer), "%s", http_request_peer(r));
	t.body = http_request_body(r).n;
	later = t.later;
	if (later)
		VEC_PUSH(&t.kept, r);
	pthread_cond_broadcast(&t.changed);
	pthread_mutex_unlock(&t.lock);
	if (!later)
		answer(r);
}

/* False when it did not come to n within a minute. */
static inline bool wait_handled(int n)
{
	struct timespec until;
	int rc = 0;
	bool ok;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&t.lock);
	while (t.handled < n && rc == 0)
		rc = pthread_cond_timedwait(&t.changed, &t.lock, &until);
	ok = t.handled >= n;
	pthread_mutex_unlock(&t.lock);
	return ok;
}

static inline int setup_with(
	const char *listen, int64_t idle_ms, unsigned limit)
{
	struct err err = {0};
	struct http_server_config c = {.listen = listen, .threads = 2,
		.max_body = MAX_BODY, .idle_ms = idle_ms, .send_ms = send_ms,
		.handle = handle,
		.max_connections = 2000, .max_per_address = limit};

	t.handled = 0;
	t.later = false;
	t.path[0] = '\0';
	server = http_server_start(&c, &err);
	if (!server)
		print_error("%s\n", err.text);
	return server ? 0 : -1;
}

static inline int setup(void **state UNUSED)
{
	return setup_with("127.0.0.1:0", 120000, 0);
}

static inline int teardown(void **state UNUSED)
{
	http_server_stop(server);
	server = NULL;
	VEC_RELEASE(&t.kept);
	return 0;
}

/* ---- the client's side: plain sockets ---------------------------------- */

static inline int dial(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(server)),
		.sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct timeval limit = {.tv_sec = 60};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

static inline bool put(int fd, const char *p, size_t n)
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

struct reply {
	int status; /* 0: none came */
	char text[4096];
	const char *body;
	bool closed; /* by the server, after it */
};

/* One whole answer, by its Content-Length. */
static inline void get(int fd, struct reply *r)
{
	size_t n = 0;
	const char *length;

	memset(r, 0, sizeof(*r));
	for (;;) {
		char *end = strstr(r->text, "\r\n\r\n");

		if (end && !strstr(r->text, "HTTP/1.1 100")) {
			length = strstr(r->text, "Content-Length: ");
			assert_non_null(length);
			if (n >= (size_t)(end + 4 - r->text) +
					strtoul(length + 16, NULL, 10)) {
				r->body = end + 4;
				break;
			}
		} else if (end) { /* 100 Continue */
			memmove(r->text, end + 4, n - (size_t)(end + 4 - r->text));
			n -= (size_t)(end + 4 - r->text);
			memset(r->text + n, 0, sizeof(r->text) - n);
			continue;
		}
		ssize_t got = recv(fd, r->text + n, sizeof(r->text) - 1 - n, 0);
		if (got <= 0) {
			r->closed = got == 0;
			break;
		}
		n += (size_t)got;
	}
	sscanf(r->text, "HTTP/1.1 %d", &r->status);
}

/* What the handler noted before it answered is ours to read from here on. */
static inline void settle(void)
{
	pthread_mutex_lock(&t.lock);
	pthread_mutex_unlock(&t.lock);
}

/* Sends, may close its half, reads one answer. */
static inline void exchange(
	const char *p, size_t n, bool half_close, struct reply *r)
{
	int fd = dial();

	put(fd, p, n);
	if (half_close)
		shutdown(fd, SHUT_WR);
	get(fd, r);
	close(fd);
	settle();
}

#define BYTES(literal) literal, sizeof(literal) - 1
#define HEAD "POST /x HTTP/1.1\r\nHost: a\r\n"

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
