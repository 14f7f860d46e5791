/* The send-time check of a URL, by the function that posts: every port of
 * both schemes. Nothing is connected to: the client below only takes note. */
#include "deployer/http/post.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static struct {
	size_t started, refused;
	void (*done)(void *ctx, const struct http_result *res,
		const struct err *err);
	void *ctx;
	char status[32], reason[600];
} seen;

struct http_client *http_client_new(struct loop *l)
{
	return (struct http_client *)l;
}

void http_client_free(struct http_client *c)
{
	(void)c;
}

struct http_handle *http_client_start(struct http_client *c,
	const struct http_call *call,
	void (*done)(void *ctx, const struct http_result *res,
		const struct err *err),
	void *ctx)
{
	(void)c;
	assert_non_null(call->allow_address);
	seen.started++;
	seen.done = done;
	seen.ctx = ctx;
	return NULL;
}

void http_handle_cancel(struct http_handle **h)
{
	(void)h;
}

bool http_result_header(const struct http_result *res, const char *name,
	char *buf, size_t n)
{
	(void)res;
	(void)name;
	(void)buf;
	(void)n;
	return false;
}

static void done(void *ctx, const struct post_result *res)
{
	(void)ctx;
	if (!res->hopeless)
		return;
	seen.refused++;
	snprintf(seen.status, sizeof(seen.status), "%s", res->status);
	snprintf(seen.reason, sizeof(seen.reason), "%s", res->reason);
}

/* The list of the product that this format comes from. */
static bool listed(bool https, int port)
{
	static const int low[] = {80, 21, 443, 70, 210, 280, 488, 591, 777};

	if (https)
		return port == 443;
	for (size_t i = 0; i < ARRAY_LEN(low); i++)
		if (low[i] == port)
			return true;
	return port >= 1025;
}

static void test_every_port(void **state)
{
	struct conf conf = {0};
	struct loop *loop = loop_new();
	struct poster *poster = poster_new(loop, &conf);
	size_t sent[2] = {0};

	(void)state;
	for (int i = 0; i < 2 * 65536; i++) {
		bool https = i & 1;
		int port = i >> 1;
		char url[64];
		struct conf_trigger t = {.name = "t", .url = url};
		struct http_result res = {.status = 200};
		struct post_spec spec = {.trigger = &t, .id = "id",
			.body = STR("{}")};

		snprintf(url, sizeof(url), "http%s://h.example:%d/",
			https ? "s" : "", port);
		memset(&seen, 0, sizeof(seen));
		post_start(poster, &spec, done, NULL);
		sent[https] += seen.started;
		if (seen.started != (size_t)listed(https, port) ||
			seen.refused == seen.started)
			fail_msg("%s: started %zu", url, seen.started);
		if (seen.started) {
			seen.done(seen.ctx, &res, NULL);
			continue;
		}
		assert_string_equal(seen.status, "blocked_port");
		assert_true(seen.reason[0] != '\0');
	}
	assert_int_equal(sent[0], 9 + 65535 - 1024);
	assert_int_equal(sent[1], 1);
	poster_free(poster);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
