/* Answers that go on, over real sockets. */
#include "proto/io/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/strbuf.h"

#define CLIENTS 20

static struct http_server *server;
static struct http_stream *streams[CLIENTS];
static size_t n_streams;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void handle(void *ctx, struct http_request *req)
{
	static const char *const extra[] = {"X-Test: yes"};
	struct http_stream *s;

	(void)ctx;
	s = http_reply_stream(req, 200, "text/event-stream", extra, 1);
	pthread_mutex_lock(&lock);
	streams[n_streams++] = s;
	pthread_mutex_unlock(&lock);
}

static size_t streams_there(void)
{
	size_t n;

	pthread_mutex_lock(&lock);
	n = n_streams;
	pthread_mutex_unlock(&lock);
	return n;
}

static int connect_client(const char *method)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)http_server_port(server))};
	struct timeval limit = {.tv_sec = 60};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t before = streams_there();
	char *text = xprintf("%s / HTTP/1.1\r\nHost: x\r\n\r\n", method);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	free(text);
	while (streams_there() == before)
		clock_sleep(1);
	return fd;
}

/* Reads until the text was there; false when the answer ends before. */
static bool read_until(int fd, const char *text)
{
	struct strbuf got = {0};
	char buf[4096];
	ssize_t n;
	bool found = false;

	while (!found && (n = read(fd, buf, sizeof(buf))) > 0) {
		strbuf_add(&got, buf, (size_t)n);
		found = strstr(strbuf_cstr(&got), text) != NULL;
	}
	strbuf_release(&got);
	return found;
}

static int setup(void **state)
{
	const struct http_server_config c = {.listen = "127.0.0.1:0",
		.threads = 2, .handle = handle};
	struct err err;

	(void)state;
	n_streams = 0;
	server = http_server_start(&c, &err);
	return server ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	http_server_stop(server);
	for (size_t i = 0; i < n_streams; i++)
		http_stream_close(streams[i]);
	return 0;
}

static void say(size_t i, const char *text)
{
	assert_int_equal(http_stream_write(streams[i], str_from(text)), 0);
}

/* More clients than threads, each with a head, words as they come, an end. */
static void many(void **state)
{
	int fd[CLIENTS];

	(void)state;
	for (size_t i = 0; i < CLIENTS; i++)
		fd[i] = connect_client("GET");
	for (size_t i = 0; i < CLIENTS; i++) {
		say(i, "first\n");
		assert_true(read_until(fd[i], "first\n"));
	}
	clock_sleep(50);
	for (size_t i = 0; i < CLIENTS; i++) {
		say(i, "second\n");
		http_stream_close(streams[i]);
		assert_true(read_until(fd[i], "second\n\r\n0\r\n\r\n"));
		close(fd[i]);
	}
	n_streams = 0;
}

static void head_has_no_body(void **state)
{
	int fd = connect_client("HEAD");

	(void)state;
	assert_true(read_until(fd, "X-Test: yes"));
	for (int i = 0; http_stream_write(streams[0], STR("x")) == 0; i++) {
		assert_true(i < 60000); /* it ends by itself */
		clock_sleep(1);
	}
	close(fd);
}

static void gone_client(void **state)
{
	int fd = connect_client("GET");
	int64_t until = clock_mono() + 60000;

	(void)state;
	say(0, "first\n");
	assert_true(read_until(fd, "first\n"));
	close(fd);
	while (http_stream_write(streams[0], STR("more\n")) == 0) {
		assert_true(clock_mono() < until);
		clock_sleep(1);
	}
}

/* It is told so, nothing of a piece is sent, and others go on. */
static void slow_client(void **state)
{
	static char piece[100000];
	int slow = connect_client("GET"), other = connect_client("GET");
	size_t taken = 0;

	(void)state;
	memset(piece, 'x', sizeof(piece) - 1);
	while (http_stream_write(streams[0],
		       (struct str){piece, sizeof(piece)}) == 0)
		assert_true(++taken < 1000);
	assert_true(taken >= 10);
	say(1, "on\n");
	assert_true(read_until(other, "on\n"));
	close(slow);
	close(other);
}

/* With clients that wait: the server's stop ends their answers, wholly. */
static void stop(void **state)
{
	int fd[3];

	for (size_t i = 0; i < 3; i++)
		fd[i] = connect_client("GET");
	say(0, "word\n");
	assert_true(read_until(fd[0], "word\n"));
	http_server_stop(server);
	server = NULL;
	assert_int_equal(http_stream_write(streams[1], STR("late\n")), -1);
	for (size_t i = 0; i < 3; i++) {
		assert_true(read_until(fd[i], "0\r\n\r\n"));
		assert_false(read_until(fd[i], "late\n"));
		close(fd[i]);
		http_stream_close(streams[i]);
	}
	assert_int_equal(setup(state), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {T(many), T(head_has_no_body),
		T(gone_client), T(slow_client), T(stop)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
