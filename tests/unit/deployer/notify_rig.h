/*
 * What the tests of the http lane share: a whole deployer and a receiver that
 * answers as the test says and notes what it was asked.
 */
#ifndef TESTS_UNIT_DEPLOYER_NOTIFY_RIG_H
#define TESTS_UNIT_DEPLOYER_NOTIFY_RIG_H

#include "tests/unit/deployer/fake_world.h"

#include <pthread.h>

#include "proto/data/json.h"
#include "proto/io/http_client.h"
#include "proto/io/http_server.h"

/* ---- a receiver ---------------------------------------------------------- */

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

static inline void copy(char *out, size_t n, const char *s)
{
	snprintf(out, n, "%s", s ? s : "");
}

static inline void receive(void *ctx, struct http_request *req)
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

static inline int received(void)
{
	int n;

	pthread_mutex_lock(&receiver.lock);
	n = receiver.n;
	pthread_mutex_unlock(&receiver.lock);
	return n;
}

static inline int setup(void **state)
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

static inline int teardown(void **state)
{
	if (receiver.pending)
		http_reply(receiver.pending, 200, "text/plain", STR(""), NULL,
			0);
	if (receiver.http)
		http_server_stop(receiver.http);
	return world_teardown(state);
}

static inline bool one_final(void)
{
	return finals() == 1;
}

static inline bool two_finals(void)
{
	return finals() == 2;
}

static inline bool three_finals(void)
{
	return finals() == 3;
}

static inline bool one_received(void)
{
	return received() == 1;
}

/* The value at path in a row's JSON; static. */
static inline const char *in_json(const char *text, const char *path)
{
	static char buf[1024];
	struct err err;
	struct json *j = json_parse(str_from(text), NULL, &err);

	assert_non_null(j);
	copy(buf, sizeof(buf), json_str(json_path(j, path)));
	json_free(j);
	return buf;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
