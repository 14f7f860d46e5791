#include "deployer/notify.h"

#include "deployer/egress.h"
#include "deployer/notification.h"
#include "deployer/signature.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/data/url.h"

#define CONNECT_MS 10000
#define TOTAL_MS 30000
#define BODY_KEPT ((size_t)8 << 10)

struct notify {
	struct http_client *client;
	struct egress *egress;
	struct list calls;
};

struct call {
	struct list node;
	struct attempt *attempt;
	const struct egress *egress;
	struct http_handle *handle;
	enum egress_verdict verdict; /* the worst of all its addresses */
	struct err refusal;
	VEC(char *) headers; /* ours, then the trigger's */
	size_t n_own;
	struct strbuf body;
};

static void call_free(struct call *c)
{
	list_remove(&c->node);
	for (size_t i = 0; i < c->headers.n; i++)
		free(c->headers.v[i]);
	VEC_RELEASE(&c->headers);
	strbuf_release(&c->body);
	free(c);
}

/* ---- the end ------------------------------------------------------------------- */

static void hide_value(char **line)
{
	char *hidden = xprintf("%.*s: ***",
		(int)str_find(str_from(*line), ':'), *line);

	free(*line);
	*line = hidden;
}

static void fill_row(struct call *c, struct record *row, const char *status,
	const struct http_result *res)
{
	struct attempt *a = c->attempt;
	struct driver_phases phases = {
		.v = {{"request", res->duration_ms}}, .n = 1};
	struct strbuf sb = {0};

	attempt_row(a, row, status, &phases);
	row->attempts = (int64_t)a->d->schedule.n;
	/* It is over: the values of the trigger's headers, which may be
	 * secrets, are not needed any more. */
	for (size_t i = c->n_own; i < c->headers.n; i++)
		hide_value(&c->headers.v[i]);
	notification_request(row->url, (const char *const *)c->headers.v,
		c->headers.n, strbuf_str(&c->body), &sb);
	row->request = strbuf_detach(&sb);
	if (res->status)
		notification_response(res, &sb);
	row->response = res->status ? strbuf_detach(&sb) : NULL;
}

static void try_again(struct attempt *a, struct record *row,
	const struct http_result *res, const struct err *err)
{
	struct retry_failure f = {.attempt = a->number, .now = clock_wall(),
		.retry_after = -1, .slow = notification_slow(res, err)};
	char what[600], value[64];
	int64_t due;

	if (err)
		snprintf(what, sizeof(what), "%s", err->text);
	else
		snprintf(what, sizeof(what), "the trigger URL answered %d",
			res->status);
	if (http_result_header(res, "Retry-After", value, sizeof(value)))
		f.retry_after = retry_after(str_from(value), f.now);
	enc_random(&f.random, sizeof(f.random));
	due = retry_next(&a->d->schedule, &f);
	if (due >= 0) {
		record_reason(row, "%s; it is tried again", what);
		attempt_again(a, row, due);
		return;
	}
	record_reason(row, "%s; given up after %lld attempts", what,
		(long long)a->number);
	attempt_end(a, row);
}

static void done(void *ctx, const struct http_result *res,
	const struct err *err)
{
	struct call *c = ctx;
	struct attempt *a = c->attempt;
	bool refused = err && err->code == HTTP_FAIL_ADDRESS;
	bool loop = refused && c->verdict == EGRESS_LOOP;
	struct err refusal = c->refusal;
	struct record row;
	char number[8];

	fill_row(c, &row, loop ? "loop_blocked"
			       : notification_status(res, err, number), res);
	log_info(a->job->id, "%s", row.status);
	call_free(c);
	if (notification_delivered(res, err)) {
		record_reason(&row, "the trigger URL took the notification");
		attempt_end(a, &row);
	} else if (loop) {
		record_reason(&row, "%s", refusal.text);
		attempt_end(a, &row);
	} else {
		try_again(a, &row, res, refused ? &refusal : err);
	}
}

/* Asked for each address of each attempt, right before it is connected to. */
static bool allow_address(void *ctx, const struct sockaddr *addr)
{
	struct call *c = ctx;
	struct err err;
	enum egress_verdict v = egress_judge(c->egress, addr, &err);

	if (v == EGRESS_OPEN)
		return true;
	if (c->verdict != EGRESS_LOOP) {
		c->verdict = v;
		c->refusal = err;
	}
	return false;
}

/* ---- the start ------------------------------------------------------------------- */

static int check_url(const char *text, struct err *err)
{
	struct url url;

	return url_parse(str_from(text), &url, err) < 0 ? -1
							: url_policy(&url, err);
}

/* Final: another try would end the same way. */
static void blocked(struct attempt *a, const char *status,
	const struct err *err)
{
	struct record row;

	attempt_row(a, &row, status, NULL);
	row.attempts = (int64_t)a->d->schedule.n;
	record_reason(&row, "%s", err->text);
	attempt_end(a, &row);
}

static void set_headers(struct call *c)
{
	const struct conf_trigger *t = c->attempt->trigger;
	int64_t seconds = clock_wall() / 1000;
	struct strbuf signatures = {0};
	char id[NOTIFICATION_ID_LEN];

	notification_id(&c->attempt->what, id);
	VEC_PUSH(&c->headers, xstrdup("Content-Type: application/json"));
	VEC_PUSH(&c->headers, xstrdup("User-Agent: Pullwire/" PULLWIRE_VERSION));
	VEC_PUSH(&c->headers, xprintf("Idempotency-Key: %s", id));
	VEC_PUSH(&c->headers, xprintf("webhook-id: %s", id));
	VEC_PUSH(&c->headers,
		xprintf("webhook-timestamp: %lld", (long long)seconds));
	signature_add(&t->secret, id, seconds, strbuf_str(&c->body),
		&signatures);
	if (signatures.len)
		VEC_PUSH(&c->headers, xprintf("webhook-signature: %s",
					      strbuf_cstr(&signatures)));
	strbuf_release(&signatures);
	VEC_PUSH(&c->headers, xprintf(EVENT_HOPS_HEADER ": %lld",
		(long long)c->attempt->what.event.hops + 1));
	c->n_own = c->headers.n;
	for (size_t i = 0; i < t->headers.n; i++)
		VEC_PUSH(&c->headers, xstrdup(t->headers.v[i]));
}

void notify_start(struct notify *n, struct attempt *a)
{
	struct call *c;
	struct http_call call = {
		.method = "POST",
		.url = a->trigger->url,
		.connect_ms = CONNECT_MS,
		.total_ms = TOTAL_MS,
		.max_body = BODY_KEPT,
		.truncate = true,
		.allow_address = allow_address,
	};
	struct err err;

	if (check_url(a->trigger->url, &err) < 0) {
		blocked(a, "blocked_port", &err);
		return;
	}
	if (a->what.event.hops >= EVENT_HOPS_MAX) {
		err_fail(&err, "the push has come over %d other Pullwires "
			       "already: their trigger URLs form a loop",
			EVENT_HOPS_MAX);
		blocked(a, "loop_blocked", &err);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->attempt = a;
	c->egress = n->egress;
	call.ctx = c;
	list_push_back(&n->calls, &c->node);
	notification_body(&a->what.event, &c->body);
	set_headers(c);
	call.headers = (const char *const *)c->headers.v;
	call.n_headers = c->headers.n;
	call.body = strbuf_str(&c->body);
	c->handle = http_client_start(n->client, &call, done, c);
}

/* ---- life -------------------------------------------------------------------------- */

struct notify *notify_new(struct deployer *d)
{
	struct notify *n = xcalloc(1, sizeof(*n));

	n->client = http_client_new(d->loop);
	n->egress = egress_new(d->conf);
	list_init(&n->calls);
	return n;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	LIST_EACH(&n->calls, node) {
		struct call *c = CONTAINER_OF(node, struct call, node);

		http_handle_cancel(&c->handle);
		attempt_abandon(c->attempt);
		call_free(c);
	}
	http_client_free(n->client);
	egress_free(n->egress);
	free(n);
}
