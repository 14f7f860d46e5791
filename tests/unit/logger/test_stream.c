/* The log as it grows, over a real server and a real store. */
#include "tests/unit/logger/api_world.h"

struct listener {
	int fd;
	struct strbuf got;
};

static struct listener listen_to(const char *target, const char *lines)
{
	struct listener l = {.fd = connect_client()};
	char *text = xprintf("GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n",
		target, lines);

	assert_int_equal(write(l.fd, text, strlen(text)), strlen(text));
	free(text);
	return l;
}

static void hear(struct listener *l, const char *text)
{
	char buf[65536];
	ssize_t n;

	while (strstr(strbuf_cstr(&l->got), text) == NULL) {
		n = read(l->fd, buf, sizeof(buf));
		if (n <= 0)
			fail_msg("not heard: %s in %s", text,
				strbuf_cstr(&l->got));
		strbuf_add(&l->got, buf, (size_t)n);
	}
}

static bool heard(const struct listener *l, const char *text)
{
	return strstr(strbuf_cstr(&l->got), text) != NULL;
}

static void end(struct listener *l)
{
	close(l->fd);
	strbuf_release(&l->got);
}

static void rows_come(void **state)
{
	struct listener l = listen_to("/v1/stream", ""), web;

	(void)state;
	hear(&l, "event: hello\ndata: {}\n\n");
	assert_true(heard(&l, "Content-Type: text/event-stream\r\n"));
	assert_true(heard(&l, "id: 0\n"));
	web = listen_to("/v1/stream?trigger=web&status=deployed", "");
	hear(&web, "event: hello");
	put_rows(4);
	hear(&l, "id: 4\nevent: row\ndata: {\"time\":\"1970-01-01T00:00:01.003Z"
		 "\",\"id\":\"e003/web/1/deployed\"");
	assert_true(heard(&l, "id: 1\nevent: row\n"));
	hear(&web, "id: 4\n");
	assert_true(heard(&web, "id: 2\n"));
	assert_false(heard(&web, "id: 1\n"));
	assert_false(heard(&web, "id: 3\n"));
	end(&l);
	end(&web);
}

/* Who comes back gets what it missed, and nothing twice. */
static void going_on(void **state)
{
	struct listener l;

	(void)state;
	put_rows(5);
	l = listen_to("/v1/stream", "Last-Event-ID: 3\r\n");
	hear(&l, "id: 5\nevent: row\n");
	assert_true(heard(&l, "id: 3\nevent: hello\n"));
	assert_true(heard(&l, "id: 4\nevent: row\n"));
	assert_false(heard(&l, "id: 3\nevent: row\n"));
	end(&l);
	l = listen_to("/v1/stream?last=4", "");
	hear(&l, "id: 5\nevent: row\n");
	assert_false(heard(&l, "id: 4\nevent: row\n"));
	end(&l);
	/* From the beginning: it had seen that there was nothing. */
	l = listen_to("/v1/stream?last=0", "");
	hear(&l, "id: 5\nevent: row\n");
	assert_true(heard(&l, "id: 1\nevent: row\n"));
	end(&l);
	/* From another log than this one. */
	l = listen_to("/v1/stream", "Last-Event-ID: 99\r\n");
	hear(&l, "id: 5\nevent: reset\n");
	end(&l);
}

static void too_far_behind(void **state)
{
	struct listener l;

	(void)state;
	put_rows(STREAM_BEHIND_MAX + 2);
	l = listen_to("/v1/stream", "Last-Event-ID: 1\r\n");
	hear(&l, "event: reset\n");
	assert_false(heard(&l, "event: row\n"));
	end(&l);
	l = listen_to("/v1/stream", "Last-Event-ID: 2\r\n");
	hear(&l, "id: 5002\nevent: row\n");
	end(&l);
}

static void bad_parameters(void **state)
{
	(void)state;
	expect("/v1/stream?last=x", 400, "last: `x`");
	expect("/v1/stream?last=-1", 400, "last: `-1`");
	expect("/v1/stream?colour=red", 400, "`colour` is no parameter");
}

static void put_one(int n)
{
	char *event = xprintf("n%d", n);
	struct event e = {.id = event,
		.repository = (char *)(uintptr_t)"shop/web"};
	struct record r;

	record_from_event(&r, &e, "web", 1, "deployed", 1000);
	put_row(&r);
	free(event);
}

/* Rows that are more together than may wait for a client reach it all the
 * same, and without a break. */
static void large_rows(void **state)
{
	char *detail = xcalloc(1, 60001);
	struct listener l;

	(void)state;
	memset(detail, 'x', 60000);
	detail[0] = detail[59999] = '"';
	for (int i = 1; i <= 60; i++) {
		char *event = xprintf("l%d", i);
		struct event e = {.id = event};
		struct record r;

		record_from_event(&r, &e, "web", 1, "200", 1000 + i);
		r.request = xstrdup(detail);
		put_row(&r);
		free(event);
	}
	l = listen_to("/v1/stream?last=0", "");
	hear(&l, "id: 60\nevent: row\n");
	assert_true(heard(&l, "id: 1\nevent: row\n"));
	end(&l);
	free(detail);
}

static int no_last(struct store *s, int64_t *seq, struct err *err)
{
	(void)s;
	(void)seq;
	return err_retry(err, "the server is away");
}

/* Nobody begins at a place that is not the end of the log. */
static void store_away(void **state)
{
	const struct store_driver *driver = api.store->driver;
	struct store_driver away = *driver;
	struct listener l;
	char buf[4096];
	ssize_t n;

	(void)state;
	put_rows(3);
	away.last = no_last;
	api.store->driver = &away;
	l = listen_to("/v1/stream", "");
	while ((n = read(l.fd, buf, sizeof(buf))) > 0) {
		strbuf_add(&l.got, buf, (size_t)n);
		if (heard(&l, "\r\n0\r\n") || heard(&l, "event: "))
			break;
	}
	assert_false(heard(&l, "event: "));
	assert_true(heard(&l, "\r\n0\r\n"));
	end(&l);
	api.store->driver = driver;
	l = listen_to("/v1/stream", "");
	hear(&l, "event: hello");
	assert_true(heard(&l, "id: 3\n"));
	end(&l);
}

/* The value of the session's cookie, as a header's line. */
static char *sign_in(const char *token)
{
	char *body = xprintf("{\"token\":\"%s\"}", token), *at;

	ask("POST", "/v1/session", "X-Pullwire: 1\r\n", body);
	assert_int_equal(status, 200);
	free(body);
	at = strstr(answer.buf, "pullwire=");
	assert_non_null(at);
	return xprintf("Cookie: %.*s\r\nX-Pullwire: 1\r\n",
		(int)strcspn(at, ";\r"), at);
}

/* A stream ends with its session, and with no other; a token has its own. */
static void ends_with_the_session(void **state)
{
	char *gone = sign_in(VIEWER), *stays = sign_in(VIEWER);
	struct listener a = listen_to("/v1/stream", gone);
	struct listener b = listen_to("/v1/stream", stays);
	struct listener c = listen_to("/v1/stream",
		"Authorization: Bearer " VIEWER "\r\n");

	(void)state;
	hear(&a, "event: hello");
	hear(&b, "event: hello");
	hear(&c, "event: hello");
	ask("DELETE", "/v1/session", gone, "");
	hear(&a, "\r\n0\r\n"); /* within the socket's limit; 200 ms */
	put_rows(1);
	hear(&b, "event: row");
	hear(&c, "event: row");
	assert_false(heard(&a, "event: row"));
	ask("GET", "/v1/stream", gone, "");
	assert_int_equal(status, 401);
	end(&a);
	end(&b);
	end(&c);
	free(gone);
	free(stays);
}

static void bounded(void **state)
{
	struct listener l[STREAM_CLIENTS_MAX];
	int64_t until = clock_mono() + 60000;

	(void)state;
	for (size_t i = 0; i < STREAM_CLIENTS_MAX; i++) {
		l[i] = listen_to("/v1/stream", "");
		hear(&l[i], "event: hello");
	}
	expect("/v1/stream", 503, "more than 64 streams are open");
	for (size_t i = 0; i < STREAM_CLIENTS_MAX; i++)
		end(&l[i]);
	/* Those that are gone make room when something is to be said. */
	for (int n = 0; status == 503; n++) {
		struct listener one;

		assert_true(clock_mono() < until);
		put_one(n);
		one = listen_to("/v1/stream", "");
		hear(&one, "HTTP/1.1 ");
		status = heard(&one, "HTTP/1.1 200") ? 200 : 503;
		end(&one);
		clock_sleep(20);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {T(rows_come), T(going_on),
		T(too_far_behind), T(large_rows), T(store_away), T(bad_parameters),
		T(bounded), cmocka_unit_test_setup_teardown(
			ends_with_the_session, setup_tokens, teardown)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
