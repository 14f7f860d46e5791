/*
 * What the tests of the webhooks share: the whole way from a socket to the
 * spool, with the real HTTP server, parser, spool and loop; what follows
 * (dispatch, outbox) is stood in for and remembers what it was given. Included
 * by the one file of a program: it defines the functions it stands in for.
 */
#ifndef TESTS_UNIT_INGRESS_WEBHOOK_RIG_H
#define TESTS_UNIT_INGRESS_WEBHOOK_RIG_H

#include "ingress/webhook.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/map.h"
#include "proto/base/mem.h"

/* ---- stand-ins ----------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static VEC(struct record) rows;
static VEC(struct event) events;

void outbox_observe(struct outbox *o, struct record *r)
{
	(void)o;
	pthread_mutex_lock(&lock);
	VEC_PUSH(&rows, *r);
	memset(r, 0, sizeof(*r));
	pthread_mutex_unlock(&lock);
}

void dispatch_accept(struct dispatch *d, struct event *e, int64_t seq)
{
	(void)d;
	assert_true(seq > 0);
	pthread_mutex_lock(&lock);
	VEC_PUSH(&events, *e);
	memset(e, 0, sizeof(*e));
	pthread_mutex_unlock(&lock);
}

size_t dispatch_matchers(const struct dispatch *d)
{
	(void)d;
	return 0;
}

size_t dispatch_in_flight(const struct dispatch *d)
{
	(void)d;
	return 0;
}

int64_t dispatch_pending(struct dispatch *d)
{
	(void)d;
	return 0;
}

int64_t dispatch_oldest(struct dispatch *d, int64_t now)
{
	(void)d;
	(void)now;
	return 0;
}

void daemon_not_ready(struct daemon *d, const char *what, const char *fmt, ...)
{
	(void)d;
	(void)what;
	(void)fmt;
}

void daemon_ready(struct daemon *d, const char *what)
{
	(void)d;
	(void)what;
}

/* ---- the house ----------------------------------------------------------- */

#define S(text) {(char *)(text), sizeof(text) - 1}

static struct secret secrets[] = {
	S("bearer-secret"), S("bearer-old"), S("url-secret"), S("gen-secret")};
#define LIMITS .rate = 100000, .burst = 100000
static struct conf_source sources[] = {
	{.name = (char *)"reg", .type = SOURCE_DISTRIBUTION, .enabled = true, LIMITS,
		.auth.bearer = {secrets, 2}},
	{.name = (char *)"acr", .type = SOURCE_ALIYUN, .enabled = true, LIMITS,
		.auth.url_token = {secrets + 2, 1}},
	{.name = (char *)"gen", .type = SOURCE_GENERIC, .enabled = true, LIMITS,
		.auth.bearer = {secrets + 3, 1}},
	{.name = (char *)"off", .type = SOURCE_GENERIC, .enabled = false, LIMITS,
		.auth.bearer = {secrets + 3, 1}},
	{.name = (char *)"az", .type = SOURCE_AZURE, .enabled = true, LIMITS,
		.auth.url_token = {secrets + 2, 1}},
	{.name = (char *)"few", .type = SOURCE_GENERIC, .enabled = true,
		.rate = 1, .burst = 2, .auth.bearer = {secrets + 3, 1}},
	{.name = (char *)"gh", .type = SOURCE_GITHUB, .enabled = true, LIMITS,
		.auth.bearer = {secrets + 3, 1}},
};
static struct conf_trigger trigger = {
	.name = (char *)"web", .repository = (char *)"reg.example.com/shop/web",
	.engine = (char *)"local", .deploy.container = (char *)"web"};
static struct secret trigger_key = S("0123456789abcdef0123456789abcdef");
static struct conf conf = {
	.refs = 1,
	.sources = {sources, ARRAY_LEN(sources)},
	.triggers = {&trigger, 1},
	.ingress = {.max_body = 4096, .trigger_key = {&trigger_key, 1}},
};
static struct sources *senders;

static char dir[64];
static struct loop *loop;
static pthread_t loop_thread;
static struct spool *spool;
static struct ready *ready;
static struct webhook *webhook;
static struct http_server *http;

static inline void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static inline void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

static inline int setup(void **state)
{
	struct err err = {0};
	struct webhook_config wc = {0};
	struct http_server_config hc = {
		.listen = "127.0.0.1:0",
		.max_body = 4096,
		.handle = webhook_handle,
	};

	(void)state;
	conf.names = map_new();
	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		char key[64];

		snprintf(key, sizeof(key), "source %s", sources[i].name);
		map_put(conf.names, str_from(key), &sources[i]);
	}
	map_put(conf.names, STR("trigger web"), &trigger);
	wc.sources = senders = sources_new(&conf, &err);
	snprintf(dir, sizeof(dir), "/tmp/pullwire-webhook-XXXXXX");
	assert_non_null(mkdtemp(dir));
	wc.loop = loop = loop_new();
	wc.spool = spool = spool_open(dir, &err);
	wc.ready = ready = ready_new(NULL, dir, spool);
	hc.ctx = webhook = webhook_new(&wc);
	http = http_server_start(&hc, &err);
	if (!http)
		fail_msg("%s", err.text);
	return pthread_create(&loop_thread, NULL, run_loop, loop);
}

static inline void forget(void)
{
	for (size_t i = 0; i < rows.n; i++)
		field_release(&record_table, &rows.v[i]);
	for (size_t i = 0; i < events.n; i++)
		field_release(&event_table, &events.v[i]);
	VEC_RELEASE(&rows);
	VEC_RELEASE(&events);
}

static inline int teardown(void **state)
{
	char command[128];

	(void)state;
	http_server_stop(http);
	spool_close(spool);
	loop_post(loop, stop_loop, loop);
	pthread_join(loop_thread, NULL);
	webhook_free(webhook);
	sources_free(senders);
	ready_free(ready);
	loop_free(loop);
	map_free(conf.names);
	forget();
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : -1;
}

/* ---- a client ------------------------------------------------------------ */

static inline int connect_http(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_server_port(http)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Sends the bytes, closes its half if they are not whole, gives the answer. */
static inline void exchange(struct str bytes, bool whole, struct strbuf *answer)
{
	int fd = connect_http();
	char buf[4096];
	ssize_t n;

	answer->len = 0;
	while (bytes.n && (n = send(fd, bytes.p, bytes.n, MSG_NOSIGNAL)) > 0)
		bytes = str_cut(bytes, (size_t)n, bytes.n);
	if (!whole)
		shutdown(fd, SHUT_WR);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		strbuf_add(answer, buf, (size_t)n);
	close(fd);
}

/* The status; the answer's text in *answer. */
static int request(const char *method, const char *target,
	const char *headers, struct str body, struct strbuf *answer)
{
	struct strbuf sb = {0};
	int status = 0;

	strbuf_addf(&sb, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
		"Content-Length: %zu\r\n%s\r\n", method, target, body.n,
		headers);
	strbuf_add_str(&sb, body);
	exchange(strbuf_str(&sb), true, answer);
	strbuf_release(&sb);
	if (sscanf(strbuf_cstr(answer), "HTTP/1.1 %d", &status) != 1)
		fail_msg("no answer to %s %s", method, target);
	return status;
}

/* Waits for the row, which may come a moment after the answer. */
static inline struct record *row_at(size_t i)
{
	for (int tries = 0; tries < 6000; tries++) {
		pthread_mutex_lock(&lock);
		if (rows.n > i) {
			pthread_mutex_unlock(&lock);
			return &rows.v[i];
		}
		pthread_mutex_unlock(&lock);
		usleep(10000);
	}
	fail_msg("no row %zu", i);
	return NULL;
}

static inline size_t events_after(size_t want)
{
	size_t n = 0;

	for (int tries = 0; tries < 6000 && n < want; tries++) {
		pthread_mutex_lock(&lock);
		n = events.n;
		pthread_mutex_unlock(&lock);
		if (n < want)
			usleep(10000);
	}
	return n;
}

#define BEARER "Authorization: Bearer bearer-secret\r\n"
#define GENERIC "Authorization: Bearer gen-secret\r\n"
#define PUSH(id, tag) \
	"{\"id\":\"" id "\",\"action\":\"push\",\"target\":{" \
	"\"repository\":\"shop/web\",\"tag\":\"" tag "\"}}"
#define PULL "{\"id\":\"p\",\"action\":\"pull\",\"target\":{" \
	"\"repository\":\"shop/web\",\"tag\":\"v1\"}}"
#define EVENTS(list) "{\"events\":[" list "]}"

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
