/*
 * What the tests of the HTTP client share: a server that plays one answer, byte
 * by byte as the test wrote it, and both ways to call: waiting, and on a loop.
 */
#ifndef TESTS_UNIT_PROTO_HTTP_CLIENT_RIG_H
#define TESTS_UNIT_PROTO_HTTP_CLIENT_RIG_H

#include "proto/io/http_client.h"

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

static inline bool read_request(int fd)
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

static inline void serve(int fd)
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

static inline void *server(void *arg UNUSED)
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

static inline void start_server(const struct play *play)
{
	srv.play = *play;
	srv.requests = srv.connections = 0;
	srv.stop = false;
	assert_int_equal(listen(srv.listen_fd, 64), 0);
	assert_int_equal(pthread_create(&srv.thread, NULL, server, NULL), 0);
}

static inline void serve_tcp(const struct play *play)
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

static inline void serve_unix(const struct play *play)
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

static inline void stop_server(void)
{
	srv.stop = true;
	shutdown(srv.listen_fd, SHUT_RDWR);
	pthread_join(srv.thread, NULL);
	close(srv.listen_fd);
	if (srv.path[0])
		unlink(srv.path);
	srv.path[0] = '\0';
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

static inline void perform(const struct http_call *call, struct outcome *o)
{
	struct http_result res;
	struct err err = {0};
	int64_t began = clock_mono();
	int rc = http_perform(NULL, call, &res, &err);

	keep(o, &res, rc ? &err : NULL);
	o->took = clock_mono() - began;
	http_result_release(&res);
}

static inline void start(const struct http_call *call, struct outcome *o)
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

#endif
