#include "ingress/webhook.h"

#include <stdatomic.h>

#include "ingress/answer.h"
#include "ingress/auth.h"
#include "ingress/body.h"
#include "ingress/health.h"
#include "ingress/pending.h"
#include "ingress/limit.h"
#include "ingress/peer.h"
#include "ingress/rows.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

#define PREFIX "/v1/webhooks/"
#define HOOK "/hook/trigger"
/* Bodies that wait for the spool. Each connection has one, but those of
 * requests that were answered 503 in the meantime stay too. */
#define UNDER_WAY_MAX 4096
#define FULL "too many events wait to be stored; send it again"

struct webhook {
	struct webhook_config c;
	struct auth *auth;
	struct limit *limit;
	struct refusals refusals;
	struct pending pending;
	struct loop_timer *timer; /* for the next overdue request */
	atomic_size_t under_way;
	atomic_uint_fast64_t accepted, duplicates, ignored;
};

/* A body on its way through the spool. */
struct intake {
	struct body body;
	struct pending_entry pending;
	struct webhook *w;
	char peer[64];
	char path[256];
	const struct conf_source *source;
};

/* ---- answers ------------------------------------------------------------- */

static void refuse_for(const struct caller *c, int status, int seconds,
	const char *reason)
{
	char header[32];

	snprintf(header, sizeof(header), "Retry-After: %d", seconds);
	answer_refusal(c, status, header, "%s", reason);
}

static void refuse_later(const struct caller *c, int seconds,
	const char *reason)
{
	refuse_for(c, 503, seconds, reason);
}

static void answer_ids(struct http_request *req, const struct spool_put *put)
{
	struct json *body = json_new_object(), *ids = json_new_array();

	for (size_t i = 0; i < put->entries.n; i++) {
		const struct spool_entry *e = &put->entries.v[i];
		const char *id = e->duplicate ? e->first : e->event.id;

		if (i == 0)
			json_set_str(body, "id", id);
		json_push(ids, json_new_str(id));
	}
	json_set(body, "ids", ids);
	answer_json(req, 202, body, NULL);
}

/* ---- commit -------------------------------------------------------------- */

static void intake_free(struct intake *in)
{
	body_release(&in->body);
	free(in);
}

static void observe_rows(struct webhook *w, struct intake *in)
{
	atomic_fetch_add(&w->ignored, in->body.ignored.n);
	for (size_t i = 0; i < in->body.ignored.n; i++)
		outbox_observe(w->c.outbox, &in->body.ignored.v[i]);
	in->body.ignored.n = 0;
}

static void hand_over(struct webhook *w, struct intake *in)
{
	for (size_t i = 0; i < in->body.put.entries.n; i++) {
		struct spool_entry *e = &in->body.put.entries.v[i];
		struct record r = {0};

		if (!e->duplicate) {
			atomic_fetch_add(&w->accepted, 1);
			dispatch_accept(w->c.dispatch, &e->event, e->seq);
			continue;
		}
		atomic_fetch_add(&w->duplicates, 1);
		rows_duplicate(&r, &e->event, e->first, clock_wall());
		outbox_observe(w->c.outbox, &r);
	}
}

/* On the writer's thread. The request is answered here unless the loop found
 * it overdue; what was committed is handed over either way. */
static void committed(struct spool_put *put, const struct err *err)
{
	struct intake *in = CONTAINER_OF(put, struct intake, body.put);
	struct webhook *w = in->w;
	struct http_request *req = in->pending.request;

	if (!err)
		(void)FAIL_POINT("ingress.accepted");
	if (pending_take(&w->pending, &in->pending)) {
		struct caller c = {&w->refusals, req, in->source, in->peer, in->path};

		if (err)
			refuse_later(&c, 5, "the event could not be stored; "
				"send it again");
		else
			answer_ids(req, put);
	}
	if (!err) {
		observe_rows(w, in);
		hand_over(w, in);
	}
	intake_free(in);
	atomic_fetch_sub(&w->under_way, 1);
}

static void answer_overdue(void *ctx)
{
	struct webhook *w = ctx;
	struct http_request *req;
	int64_t next, now = clock_mono();

	w->timer = NULL;
	while ((req = pending_overdue(&w->pending, now, &next))) {
		struct caller c = {&w->refusals, req, NULL, http_request_peer(req),
			http_request_path(req)};

		refuse_later(&c, 1, "the event was not stored in time; send it "
			"again");
	}
	if (next)
		w->timer = loop_timer_start(
			w->c.loop, next - now, 0, answer_overdue, w);
}

static void watch_overdue(void *ctx)
{
	struct webhook *w = ctx;

	w->timer = loop_timer_start(
		w->c.loop, WEBHOOK_COMMIT_MS, 0, answer_overdue, w);
}

static void commit(struct webhook *w, const struct caller *c,
	struct intake *in)
{
	bool watch;

	if (atomic_load(&w->under_way) >= UNDER_WAY_MAX) {
		intake_free(in);
		refuse_later(c, 1, FULL);
		return;
	}
	in->body.put.done = committed;
	snprintf(in->peer, sizeof(in->peer), "%s", c->peer);
	snprintf(in->path, sizeof(in->path), "%s", c->path);
	in->source = c->source;
	atomic_fetch_add(&w->under_way, 1);
	watch = pending_add(&w->pending, &in->pending, c->req,
		clock_mono() + WEBHOOK_COMMIT_MS);
	/* Between add and start the loop may answer, so from here on only who
	 * takes the entry may use the request. */
	if (watch)
		loop_post(w->c.loop, watch_overdue, w);
	if (!spool_put_start(w->c.spool, &in->body.put))
		return;
	if (pending_take(&w->pending, &in->pending))
		refuse_later(c, 1, FULL);
	intake_free(in);
	atomic_fetch_sub(&w->under_way, 1);
}

/* ---- what becomes of a body ---------------------------------------------- */

static void answer_ignored(struct webhook *w, const struct caller *c,
	struct intake *in)
{
	struct json *body = json_new_object(), *list = json_new_array();

	for (size_t i = 0; i < in->body.ignored.n; i++) {
		struct json *one = json_new_object();

		json_set_str(one, "reason", in->body.ignored.v[i].reason);
		json_push(list, one);
	}
	json_set(body, "ignored", list);
	if (in->body.answer) {
		json_free(body);
		body = in->body.answer;
		in->body.answer = NULL;
	}
	observe_rows(w, in);
	intake_free(in);
	answer_json(c->req, 200, body, NULL);
}

/* as: how the body is read; trigger: the only one that it is for, or NULL. */
static void take_body(struct webhook *w, const struct caller *c,
	const struct request *view, const struct conf_source *as,
	const char *trigger)
{
	struct intake *in = xcalloc(1, sizeof(*in));
	struct err err = {0};

	in->w = w;
	if (body_read(view, as, trigger, http_request_time(c->req), &in->body,
		&err) < 0) {
		intake_free(in);
		answer_refusal(c, 400, NULL, "%s", err.text);
	} else if (in->body.put.entries.n) {
		commit(w, c, in);
	} else {
		answer_ignored(w, c, in);
	}
}

/* ---- routes -------------------------------------------------------------- */

static const char *view_header(const void *ctx, const char *name)
{
	return http_request_header(ctx, name);
}

static const char *view_query(const void *ctx, const char *key)
{
	return http_request_query(ctx, key);
}

/* May the sender, who is known by now, post? Refused when not. */
static bool has_room(struct webhook *w, const struct caller *c)
{
	int seconds = limit_take(w->limit, c->source, clock_mono());
	struct err err = {0};

	if (seconds)
		refuse_for(c, 429, seconds, "the source posts more often than "
			"its `rate` and `burst` allow");
	else if (ready_accepts(w->c.ready, &err) < 0)
		refuse_later(c, err.code, err.text);
	else
		return true;
	return false;
}

/* What the server found wrong: true when the request was refused for it. */
static bool refuse_fault(const struct caller *c)
{
	static const int statuses[] = {
		[HTTP_TOO_LARGE] = 413,
		[HTTP_BAD_REQUEST] = 400,
		[HTTP_BAD_ENCODING] = 415,
	};
	enum http_fault fault = http_request_fault(c->req);

	if (fault == HTTP_OK)
		return false;
	answer_refusal(c, statuses[fault], NULL, "%s",
		http_request_fault_text(c->req));
	return true;
}

static void handle_webhook(struct webhook *w, struct http_request *req,
	const char *name)
{
	struct request view = {http_request_body(req), view_header, view_query,
		req};
	char sender[PEER_LEN];
	struct caller c = {&w->refusals, req, conf_source(w->c.conf, str_from(name)),
		sender, http_request_path(req)};
	struct err err = {0};
	bool options;

	peer_of_request(&w->c.conf->trusted_proxies, req, sender);
	if (refuse_fault(&c))
		return;
	options = !strcmp(http_request_method(req), "OPTIONS");
	if (!options && strcmp(http_request_method(req), "POST") != 0)
		answer_refusal(&c, 405, "Allow: POST", "a webhook is a POST");
	else if (auth_check(w->auth, c.source, &view, sender,
			 http_request_time(req), &err) < 0)
		answer_refusal(&c, 401, "WWW-Authenticate: Bearer", "%s", err.text);
	else if (options)
		answer_options(&c);
	else if (has_room(w, &c))
		take_body(w, &c, &view, c.source, NULL);
}

/* Images are pulled from where the trigger says, since the notification does
 * not. */
static void take_notification(struct webhook *w, const struct caller *c,
	const struct request *view, const struct conf_trigger *t)
{
	struct str host = str_cut(str_from(t->repository), 0,
		conf_host_len(t->repository));
	struct conf_source as = *c->source;

	if (host.n && str_find(host, '*') == host.n)
		as.registry = xmemdup0(host.p, host.n);
	take_body(w, c, view, &as, t->name);
	free(as.registry);
}

/* A trigger's own URL: the query says which trigger, and proves it. */
static void handle_hook(struct webhook *w, struct http_request *req)
{
	/* What rows name instead of a configured source. */
	static const struct conf_source own = {
		.name = (char *)(uintptr_t)"trigger-url",
		.type = SOURCE_AUTO,
		.enabled = true,
	};
	struct request view = {http_request_body(req), view_header, view_query,
		req};
	char sender[PEER_LEN];
	struct caller c = {&w->refusals, req, &own, sender,
		http_request_path(req)};
	const struct conf_trigger *t;
	struct err err = {0};

	peer_of_request(&w->c.conf->trusted_proxies, req, sender);
	if (refuse_fault(&c))
		return;
	if (strcmp(http_request_method(req), "POST") != 0) {
		answer_refusal(&c, 405, "Allow: POST", "a notification is a "
			"POST");
		return;
	}
	t = trigger_url_check(w->c.trigger_url,
		http_request_query(req, "triggerUrl"),
		http_request_query(req, "secret"), &err);
	if (!t)
		answer_refusal(&c, 401, NULL, "%s", err.text);
	else if (has_room(w, &c))
		take_notification(w, &c, &view, t);
}

void webhook_handle(void *ctx, struct http_request *req)
{
	struct webhook *w = ctx;
	const char *path = http_request_path(req);
	struct json *body;

	/* Without a path it broke off: perhaps a webhook, so it has a row. */
	if (!*path) {
		handle_webhook(w, req, "");
	} else if (!strncmp(path, PREFIX, sizeof(PREFIX) - 1)) {
		handle_webhook(w, req, path + sizeof(PREFIX) - 1);
	} else if (!strcmp(path, HOOK)) {
		handle_hook(w, req);
	} else if (!strcmp(path, "/healthz") || !strcmp(path, "/readyz")) {
		health_answer(w->c.ready, req, path[1] == 'r');
	} else {
		body = json_new_object();
		json_set_str(body, "error", "there is nothing here: webhooks "
			"go to " PREFIX "SOURCE");
		answer_json(req, 404, body, NULL);
	}
}

/* ---- life ---------------------------------------------------------------- */

struct webhook *webhook_new(const struct webhook_config *c)
{
	struct webhook *w = xcalloc(1, sizeof(*w));

	w->c = *c;
	w->auth = auth_new(c->conf);
	w->limit = limit_new(c->conf);
	refusals_init(&w->refusals, c->outbox);
	pending_init(&w->pending);
	return w;
}

void webhook_free(struct webhook *w)
{
	if (!w)
		return;
	loop_timer_cancel(&w->timer);
	limit_free(w->limit);
	auth_free(w->auth);
	refusals_destroy(&w->refusals);
	pending_destroy(&w->pending);
	free(w);
}

void webhook_tick(struct webhook *w, int64_t now)
{
	refusals_tick(&w->refusals, now);
}

size_t webhook_under_way(struct webhook *w)
{
	return atomic_load(&w->under_way);
}

void webhook_count(const struct webhook *w, struct webhook_counts *out)
{
	out->accepted = atomic_load(&w->accepted);
	out->duplicates = atomic_load(&w->duplicates);
	out->ignored = atomic_load(&w->ignored);
	out->rejected = atomic_load(&w->refusals.count);
}
