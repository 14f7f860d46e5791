/*
 * The whole way from a socket to the spool: the real HTTP server, parser,
 * spool and loop; what follows (dispatch, outbox) is stood in for and
 * remembers what it was given.
 */
#include "ingress/webhook.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ingress/provider.h"
#include "proto/base/clock.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"
#include "proto/data/db.h"

/* ---- stand-ins ---------------------------------------------------------------- */

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

/* ---- the house ------------------------------------------------------------------ */

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

static void *run_loop(void *arg)
{
	loop_run(arg);
	return NULL;
}

static void stop_loop(void *ctx)
{
	loop_stop(ctx);
}

static int setup(void **state)
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

static void forget(void)
{
	for (size_t i = 0; i < rows.n; i++)
		field_release(&record_table, &rows.v[i]);
	for (size_t i = 0; i < events.n; i++)
		field_release(&event_table, &events.v[i]);
	VEC_RELEASE(&rows);
	VEC_RELEASE(&events);
}

static int teardown(void **state)
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

/* ---- a client ---------------------------------------------------------------------- */

static int connect_http(void)
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
static void exchange(struct str bytes, bool whole, struct strbuf *answer)
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
static struct record *row_at(size_t i)
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

static size_t events_after(size_t want)
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

/* ---- refusals ------------------------------------------------------------------------ */

static const char t129[] = "{\"name\":\"a\",\"tag\":\""
	"ttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt"
	"tttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttttt\"}";

static const struct refusal {
	const char *method, *target, *headers, *body;
	int status;
	const char *answer; /* part of it */
	const char *row;    /* part of the reason; NULL: no row */
} refusals[] = {
	{"POST", "/v1/webhooks/reg", "", EVENTS(""), 401,
		"{\"error\":\"not authenticated: ", "401: there is no Auth"},
	{"POST", "/v1/webhooks/reg", "Authorization: Bearer nope\r\n",
		EVENTS(""), 401, "WWW-Authenticate: Bearer\r\n",
		"401: the token in Authorization"},
	{"POST", "/v1/webhooks/acr?token=leaked-guess", "", "{}", 401,
		"not authenticated", "401: the token in the query"},
	{"POST", "/v1/webhooks/none", BEARER, "{}", 401, "not authenticated",
		"401: no source of this name"},
	{"POST", "/v1/webhooks/", BEARER, "{}", 401, "not authenticated",
		"401: no source"},
	{"POST", "/v1/webhooks/off", GENERIC, "{}", 401, "not authenticated",
		"401: the source is disabled"},
	{"POST", "/v1/webhooks/re%67", BEARER, "{}", 401, "not authenticated",
		"401: no source"},
	{"POST", "/v1/webhooks/reg", BEARER, "", 400, "\"error\":", "400: "},
	{"POST", "/v1/webhooks/reg", BEARER, "{\"events\":[", 400,
		"\"error\":", "400: "},
	{"POST", "/v1/webhooks/gen", GENERIC,
		"{\"name\":\"a\",\"tag\":\"v1\\u0000evil\"}", 400, "\"error\":",
		"400: "},
	{"POST", "/v1/webhooks/gen", GENERIC, t129, 400,
		"the tag has 129 characters", "400: the tag has 129"},
	{"POST", "/v1/webhooks/gen", GENERIC, "{\"tag\":\"v1\"}", 400,
		"name is missing", "400: name is missing"},
	{"POST", "/v1/webhooks/gen", GENERIC, EVENTS(PUSH("1", "v1")), 400,
		"looks like distribution", "400: the source's type is generic"},
	{"POST", "/v1/webhooks/reg", BEARER,
		EVENTS(PUSH("ok", "v1") "," PUSH("bad", "a b")), 400,
		"events.1: tag `a b`", "400: events.1"},
	{"POST", "/v1/webhooks/reg", BEARER "Content-Encoding: gzip\r\n",
		"x", 415, "\"error\":", "415: "},
	{"GET", "/v1/webhooks/reg", BEARER, "", 405, "Allow: POST\r\n",
		"405: a webhook is a POST"},
	{"POST", "/v2/webhooks/reg", BEARER, "", 404, "\"error\":", NULL},
	{"GET", "/", "", "", 404, "\"error\":", NULL},
	{"POST", "/healthz", "", "", 405, "Allow: GET, HEAD\r\n", NULL},
};

static void check_refusal(const struct refusal *c, struct strbuf *answer)
{
	int status = request(
		c->method, c->target, c->headers, str_from(c->body), answer);
	const struct record *r;

	if (status != c->status)
		fail_msg("%s: %s", c->target, strbuf_cstr(answer));
	if (!strstr(strbuf_cstr(answer), c->answer))
		fail_msg("%s: %s", c->target, strbuf_cstr(answer));
	if (!c->row)
		return;
	r = row_at(0);
	assert_string_equal(r->status, "rejected");
	assert_true(r->final);
	if (!strstr(r->reason, c->row))
		fail_msg("%s: %s", c->target, r->reason);
	assert_non_null(strstr(r->request, "\"peer\":\"127.0.0.1\""));
	assert_null(strstr(r->request, "leaked"));
	assert_null(strstr(r->reason, "leaked"));
}

static void test_refusals(void **state)
{
	struct strbuf answer = {0}, first = {0};

	for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
		/* Each on its own: floods are counted, see test_reject. */
		assert_int_equal(setup(state), 0);
		check_refusal(&refusals[i], &answer);
		assert_int_equal(events.n, 0);
		/* One answer for every 401, whatever the reason. */
		if (refusals[i].status == 401) {
			char *date = strstr(answer.buf, "Date: ");

			if (date)
				memset(date + 6, 'x', 29);
			if (!first.len)
				strbuf_add_str(&first, strbuf_str(&answer));
			assert_string_equal(strbuf_cstr(&first),
				strbuf_cstr(&answer));
		}
		assert_int_equal(teardown(state), 0);
	}
	strbuf_release(&answer);
	strbuf_release(&first);
}

static void test_too_large(void **state)
{
	struct strbuf answer = {0}, body = {0};

	(void)state;
	for (int i = 0; i < 2 << 20; i++)
		strbuf_add_char(&body, ' ');
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		strbuf_str(&body), &answer), 413);
	assert_non_null(strstr(row_at(0)->reason, "413: "));
	/* At the limit it is read: 400, since blanks are no JSON. */
	strbuf_truncate(&body, 4096);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		strbuf_str(&body), &answer), 400);
	strbuf_release(&answer);
	strbuf_release(&body);
}

static void test_cut_short(void **state)
{
	struct strbuf answer = {0};

	(void)state;
	exchange(STR("POST /v1/webhooks/reg HTTP/1.1\r\nHost: x\r\n" BEARER
		     "Content-Length: 100\r\n\r\n{\"events\":["), false, &answer);
	assert_non_null(strstr(row_at(0)->reason, "400: "));
	assert_string_equal(row_at(0)->source, "reg");
	strbuf_release(&answer);
}

/* A row is JSON and UTF-8 whatever the path was. */
static void test_odd_path(void **state)
{
	struct strbuf answer = {0};
	struct strbuf packed = {0};
	struct err err = {0};

	(void)state;
	request("POST", "/v1/webhooks/\xff\x1b[2J\"", "", STR("{}"), &answer);
	assert_int_equal(field_pack(
		&record_table, row_at(0), &packed, &err), 0);
	assert_non_null(strstr(row_at(0)->request, "\\\\xff\\\\x1b[2J"));
	strbuf_release(&packed);
	strbuf_release(&answer);
}

/* ---- accepted ----------------------------------------------------------------------- */

static void test_accept(void **state)
{
	struct strbuf answer = {0};
	char want[128];

	(void)state;
	metrics_reset();
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1") "," PULL "," PUSH("2", "v2"))),
		&answer), 202);
	assert_int_equal(events_after(2), 2);
	assert_string_equal(events.v[0].tag, "v1");
	assert_string_equal(events.v[1].tag, "v2");
	assert_string_equal(events.v[0].source, "reg");
	assert_string_equal(events.v[0].sender_id, "1");
	assert_true(strcmp(events.v[0].id, events.v[1].id) < 0);
	assert_int_equal(events.v[0].time, uid_time(events.v[0].id));
	snprintf(want, sizeof(want), "{\"id\":\"%s\",\"ids\":[\"%s\",\"%s\"]}",
		events.v[0].id, events.v[0].id, events.v[1].id);
	assert_non_null(strstr(strbuf_cstr(&answer), want));
	assert_string_equal(row_at(0)->status, "ignored");
	assert_string_equal(row_at(0)->tag, "v1");
	/* Again, with one more: the known ones have their first ids. */
	assert_int_equal(request("POST", "/v1/webhooks/reg",
		"Authorization: Bearer bearer-old\r\n",
		STR(EVENTS(PUSH("1", "v1") "," PUSH("3", "v3"))), &answer),
		202);
	assert_int_equal(events_after(3), 3);
	snprintf(want, sizeof(want), "{\"id\":\"%s\",\"ids\":[\"%s\",\"%s\"]}",
		events.v[0].id, events.v[0].id, events.v[2].id);
	assert_non_null(strstr(strbuf_cstr(&answer), want));
	assert_string_equal(row_at(1)->status, "duplicate");
	assert_string_equal(row_at(1)->event, events.v[0].id);
	assert_false(row_at(1)->final);
	assert_int_equal(metric_get(METRIC_EVENTS, "reg", "accepted"), 3);
	assert_int_equal(metric_get(METRIC_EVENTS, "reg", "duplicate"), 1);
	assert_int_equal(metric_get(METRIC_EVENTS, "reg", "ignored"), 1);
	assert_int_equal(webhook_under_way(webhook), 0);
	strbuf_release(&answer);
}

#define NOTIFICATION \
	"{\"push_data\":{\"digest\":\"\",\"pushed_at\":" \
	"\"2016-11-29 12:25:46\",\"tag\":\"v1\"},\"repository\":{" \
	"\"name\":\"web\",\"namespace\":\"shop\",\"region\":\"\"," \
	"\"repo_full_name\":\"shop/web\"}}"

/* More than the source may post: 429, whatever the body, and only of a sender
 * that has the secret. */
static void test_limit(void **state)
{
	static const char late[] = "HTTP/1.1 429";
	struct strbuf answer = {0};

	(void)state;
	for (int i = 0; i < 2; i++)
		assert_int_equal(request("POST", "/v1/webhooks/few", GENERIC,
			STR("{"), &answer), 400);
	assert_int_equal(request("POST", "/v1/webhooks/few", "", STR("{"),
		&answer), 401);
	assert_int_equal(request("POST", "/v1/webhooks/few", GENERIC,
		STR("{\"name\":\"a\",\"tag\":\"v1\"}"), &answer), 429);
	assert_memory_equal(strbuf_cstr(&answer), late, sizeof(late) - 1);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 1\r\n"));
	assert_int_equal(events_after(0), 0);
	strbuf_release(&answer);
}

/* A trigger's own URL: its event is for it alone, and from its registry. */
static void test_trigger_url(void **state)
{
	struct strbuf url = {0}, answer = {0};
	struct sources_set *set = sources_get(senders);
	char *target;

	(void)state;
	assert_int_equal(trigger_url_make(set->trigger_url, &trigger, &url, NULL),
		0);
	sources_put(senders, set);
	target = strstr(strbuf_cstr(&url), "/hook/trigger?");
	assert_int_equal(request("POST", target, "", STR(NOTIFICATION),
		&answer), 202);
	assert_int_equal(events_after(1), 1);
	assert_string_equal(events.v[0].trigger, "web");
	assert_string_equal(events.v[0].source, "trigger-url");
	assert_string_equal(events.v[0].registry, "reg.example.com");
	assert_string_equal(events.v[0].repository, "shop/web");
	assert_int_equal(request("GET", target, "", STR(""), &answer), 405);
	assert_int_equal(request("POST", target, "", STR("{"), &answer), 400);
	target[strlen(target) - 1] ^= 1;
	assert_int_equal(request("POST", target, "", STR(NOTIFICATION),
		&answer), 401);
	assert_int_equal(request("POST", "/hook/trigger", "",
		STR(NOTIFICATION), &answer), 401);
	assert_int_equal(events_after(1), 1);
	strbuf_release(&url);
	strbuf_release(&answer);
}

static void test_ignored(void **state)
{
	struct strbuf answer = {0};

	(void)state;
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PULL "," PULL)), &answer), 200);
	assert_non_null(strstr(strbuf_cstr(&answer),
		"{\"ignored\":[{\"reason\":\"an image or layer was pulled, not "
		"pushed\"},{\"reason\""));
	assert_string_equal(row_at(1)->status, "ignored");
	assert_string_equal(row_at(1)->repository, "shop/web");
	assert_true(row_at(1)->final);
	assert_string_not_equal(row_at(0)->id, row_at(1)->id);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS("")), &answer), 200);
	assert_non_null(strstr(strbuf_cstr(&answer), "{\"ignored\":[]}"));
	strbuf_release(&answer);
}

/* No secret is on disk or in a row, whichever way it came. */
#define AZ "/v1/webhooks/az?token=url-secret"
#define ORIGIN "WebHook-Request-Origin: eventgrid.azure.net\r\n"

/* What senders ask before they send. */
static void test_handshakes(void **state)
{
	static const struct {
		const char *method, *target, *headers, *body;
		int status;
		const char *answer;
	} cases[] = {
		{"POST", AZ, "", "[{\"id\":\"1\",\"eventType\":\"Microsoft."
			"EventGrid.SubscriptionValidationEvent\",\"data\":{"
			"\"validationCode\":\"c-0-d-e\"}}]", 200,
			"\r\n\r\n{\"validationResponse\":\"c-0-d-e\"}\n"},
		{"POST", "/v1/webhooks/az?token=wrong", "", "[{\"eventType\":"
			"\"Microsoft.EventGrid.SubscriptionValidationEvent\","
			"\"data\":{\"validationCode\":\"c\"}}]", 401,
			"not authenticated"},
		{"OPTIONS", AZ, ORIGIN, "", 200,
			"WebHook-Allowed-Origin: eventgrid.azure.net\r\n"},
		{"OPTIONS", AZ, ORIGIN, "", 200, "WebHook-Allowed-Rate: *\r\n"},
		{"OPTIONS", AZ, "", "", 400, "WebHook-Request-Origin is missing"},
		{"OPTIONS", AZ, "WebHook-Request-Origin: a b\r\n", "", 400,
			"not the name of a host"},
		{"OPTIONS", "/v1/webhooks/az", ORIGIN, "", 401,
			"not authenticated"},
		{"OPTIONS", "/v1/webhooks/none", ORIGIN, "", 401,
			"not authenticated"},
		{"OPTIONS", "/v1/webhooks/reg", BEARER ORIGIN, "", 405,
			"Allow: POST\r\n"},
		{"POST", "/v1/webhooks/gh", GENERIC "X-GitHub-Event: ping\r\n",
			"{\"zen\":\"z\",\"hook_id\":1}", 200,
			"a ping: the webhook is set up"},
		{"POST", "/v1/webhooks/gh", GENERIC "X-GitHub-Event: ping\r\n"
			"Content-Type: application/x-www-form-urlencoded\r\n",
			"payload=%7B%22zen%22%3A%22a+b%22%7D", 200, "a ping"},
		{"POST", "/v1/webhooks/gen", GENERIC
			"Content-Type: application/x-www-form-urlencoded\r\n",
			"payload=%7B%7D", 400, "not valid JSON"},
	};
	struct strbuf answer = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int status = request(cases[i].method, cases[i].target,
			cases[i].headers, str_from(cases[i].body), &answer);

		if (status != cases[i].status ||
			!strstr(strbuf_cstr(&answer), cases[i].answer))
			fail_msg("%zu: %s", i, strbuf_cstr(&answer));
	}
	strbuf_release(&answer);
}

/* Two events that GitHub sends for one push. */
static void test_github_pair(void **state)
{
	static const char push[] = "{\"action\":\"published\",\"%s\":{\"name\":"
		"\"web\",\"namespace\":\"Acme\",\"ecosystem\":\"CONTAINER\","
		"\"updated_at\":\"%s\",\"package_version\":{\"id\":%d,"
		"\"container_metadata\":{\"tag\":{\"name\":\"v1\"}}}}}";
	static const struct {
		const char *event, *time;
		size_t events;
	} cases[] = {
		{"package", "2026-09-21T14:13:20Z", 1},
		{"registry_package", "2026-09-21T14:13:20Z", 1},
		{"registry_package", "2026-09-21T15:00:00Z", 2},
		{"package", "2026-09-21T15:00:00Z", 2},
	};
	struct strbuf answer = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char headers[128], body[512];

		snprintf(headers, sizeof(headers), GENERIC
			"X-GitHub-Event: %s\r\n", cases[i].event);
		snprintf(body, sizeof(body), push, cases[i].event,
			cases[i].time, (int)i);
		assert_int_equal(request("POST", "/v1/webhooks/gh", headers,
			str_from(body), &answer), 202);
		assert_int_equal(events_after(cases[i].events),
			cases[i].events);
	}
	usleep(50000);
	assert_int_equal(events_after(2), 2);
	strbuf_release(&answer);
}

static void test_secrets_stay_out(void **state)
{
	struct strbuf answer = {0};
	char command[256];

	(void)state;
	assert_int_equal(request("POST", "/v1/webhooks/acr?secret=url-secret",
		"Authorization: Bearer other-secret\r\nCookie: cookie-secret"
		"\r\n", STR("{\"push_data\":{\"tag\":\"v1\"},\"repository\":"
			    "{\"repo_full_name\":\"a/B\",\"region\":\"r\"}}"),
		&answer), 202);
	assert_int_equal(events_after(1), 1);
	assert_string_equal(events.v[0].repository, "a/b");
	assert_string_equal(events.v[0].registry, "registry.r.aliyuncs.com");
	snprintf(command, sizeof(command), "grep -rqa 'a/b' '%s'", dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "grep -rqa -- '-secret' '%s'", dir);
	assert_int_not_equal(system(command), 0);
	strbuf_release(&answer);
}

/* ---- when the disk does not take it --------------------------------------------------- */

static struct db *open_aside(void)
{
	char path[96];
	struct err err = {0};
	struct db *db;

	snprintf(path, sizeof(path), "%s/spool.db", dir);
	db = db_open(path, &spool_schema, false, &err);
	if (!db)
		fail_msg("%s", err.text);
	return db;
}

static void run_sql(struct db *db, const char *sql)
{
	struct err err = {0};

	if (db_exec(db, sql, &err) < 0)
		fail_msg("%s: %s", sql, err.text);
}

static void test_slow_commit(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();
	int64_t start;

	(void)state;
	run_sql(aside, "begin immediate"); /* the writer waits for us */
	start = clock_mono();
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 503);
	assert_true(clock_mono() - start >=
		provider_distribution.patience_ms - 20);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 1\r\n"));
	assert_non_null(strstr(row_at(0)->reason, "503: "));
	assert_int_equal(events.n, 0);
	run_sql(aside, "rollback");
	/* It commits after all; the sender's repeat is known. */
	assert_int_equal(events_after(1), 1);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 202);
	assert_non_null(strstr(strbuf_cstr(&answer), events.v[0].id));
	assert_string_equal(row_at(1)->status, "duplicate");
	db_close(aside);
	strbuf_release(&answer);
}

/* By the soonest of several: the machine may have other work. */
static void test_slow_commit_is_told_in_time(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();
	int64_t soonest = INT64_MAX;

	(void)state;
	run_sql(aside, "begin immediate");
	for (int i = 0; i < 10 && soonest > provider_distribution.patience_ms +
					1000; i++) {
		int64_t start = clock_mono();

		assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
			STR(EVENTS(PUSH("1", "v1"))), &answer), 503);
		if (clock_mono() - start < soonest)
			soonest = clock_mono() - start;
	}
	assert_in_range(soonest, 0, provider_distribution.patience_ms + 1000);
	run_sql(aside, "rollback");
	assert_int_equal(events_after(1), 1);
	db_close(aside);
	strbuf_release(&answer);
}

static void *end_later(void *aside)
{
	clock_sleep(provider_distribution.patience_ms + 300);
	run_sql(aside, "rollback");
	return NULL;
}

/* A sender who waits for longer than that gets its 202. */
static void test_slow_commit_of_a_patient_sender(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();
	pthread_t later;

	(void)state;
	run_sql(aside, "begin immediate");
	assert_int_equal(pthread_create(&later, NULL, end_later, aside), 0);
	assert_int_equal(request("POST", "/v1/webhooks/gen",
		GENERIC,
		STR("{\"name\":\"a/b\",\"tag\":\"v1\"}"), &answer), 202);
	pthread_join(later, NULL);
	assert_int_equal(events_after(1), 1);
	db_close(aside);
	strbuf_release(&answer);
}

static void test_failed_commit(void **state)
{
	struct strbuf answer = {0};
	struct db *aside = open_aside();

	(void)state;
	run_sql(aside, "create trigger no before insert on event"
		" begin select raise(fail, 'disk full'); end");
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PULL "," PUSH("1", "v1"))), &answer), 503);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 5\r\n"));
	assert_non_null(strstr(row_at(0)->reason, "503: "));
	assert_int_equal(request("GET", "/readyz", "", STR(""), &answer), 503);
	assert_non_null(strstr(strbuf_cstr(&answer), "the spool cannot commit"));
	assert_int_equal(request("GET", "/healthz", "", STR(""), &answer), 200);
	run_sql(aside, "drop trigger no");
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 202);
	assert_int_equal(events_after(1), 1);
	assert_int_equal(rows.n, 1); /* the pull was told with neither */
	assert_int_equal(request("GET", "/readyz", "", STR(""), &answer), 200);
	assert_non_null(strstr(strbuf_cstr(&answer), "{\"ready\":true}"));
	db_close(aside);
	strbuf_release(&answer);
}

static void test_stopping(void **state)
{
	struct strbuf answer = {0};

	(void)state;
	ready_drain(ready);
	assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
		STR(EVENTS(PUSH("1", "v1"))), &answer), 503);
	assert_non_null(strstr(strbuf_cstr(&answer), "Retry-After: 2\r\n"));
	assert_int_equal(request("GET", "/readyz", "", STR(""), &answer), 503);
	assert_int_equal(events.n, 0);
	strbuf_release(&answer);
}

static void test_low(void **state)
{
	(void)state;
	assert_true(ready_low(4, 100));
	assert_false(ready_low(5, 100));
	assert_true(ready_low(0, 100));
	assert_false(ready_low(0, 0)); /* a filesystem without inodes */
}

/* ---- many at once ---------------------------------------------------------------------- */

#define CLIENTS 8
#define EACH 40

static void *client(void *arg)
{
	struct strbuf answer = {0};

	for (int i = 0; i < EACH; i++) {
		char body[256];

		snprintf(body, sizeof(body), EVENTS(PUSH("%d-%d", "v1")),
			*(int *)arg, i);
		assert_int_equal(request("POST", "/v1/webhooks/reg", BEARER,
			str_from(body), &answer), 202);
	}
	strbuf_release(&answer);
	return NULL;
}

static void test_many(void **state)
{
	pthread_t t[CLIENTS];
	int number[CLIENTS];

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		number[i] = i;
		pthread_create(&t[i], NULL, client, &number[i]);
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(events_after(CLIENTS * EACH), CLIENTS * EACH);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		TEST(test_too_large),
		TEST(test_cut_short),
		TEST(test_odd_path),
		TEST(test_accept),
		TEST(test_trigger_url),
		TEST(test_limit),
		TEST(test_ignored),
		TEST(test_handshakes),
		TEST(test_github_pair),
		TEST(test_secrets_stay_out),
		TEST(test_slow_commit),
		TEST(test_slow_commit_is_told_in_time),
		TEST(test_slow_commit_of_a_patient_sender),
		TEST(test_failed_commit),
		TEST(test_stopping),
		cmocka_unit_test(test_low),
		TEST(test_many),
	};

	return cmocka_run_group_tests_name("webhook", tests, NULL, NULL);
}
