#include "ingress/intake.h"

#include <stdatomic.h>

#include "ingress/body.h"
#include "ingress/pending.h"
#include "ingress/rows.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

/* Bodies that wait for the spool. Each connection has one, but those of
 * requests that were answered 503 in the meantime stay too. */
#define UNDER_WAY_MAX 4096
#define FULL "too many events wait to be stored; send it again"

struct intake {
	struct intake_config c;
	struct pending pending;
	struct loop_timer *timer; /* for the next overdue request */
	atomic_size_t under_way;
};

/* A body on its way through the spool. */
struct parcel {
	struct body body;
	struct pending_entry pending;
	struct intake *k;
	char peer[64];
	char path[256];
	char source[CONF_NAME_LEN];
};

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

static void parcel_free(struct parcel *in)
{
	body_release(&in->body);
	free(in);
}

static void count(const struct parcel *in, const char *result, size_t n)
{
	metric_add(METRIC_EVENTS, in->source, result, (int64_t)n);
}

static void observe_rows(struct intake *k, struct parcel *in)
{
	count(in, "ignored", in->body.ignored.n);
	for (size_t i = 0; i < in->body.ignored.n; i++)
		outbox_observe(k->c.outbox, &in->body.ignored.v[i]);
	in->body.ignored.n = 0;
}

static void hand_over(struct intake *k, struct parcel *in)
{
	for (size_t i = 0; i < in->body.put.entries.n; i++) {
		struct spool_entry *e = &in->body.put.entries.v[i];
		struct record r = {0};

		if (!e->duplicate) {
			count(in, "accepted", 1);
			dispatch_accept(k->c.dispatch, &e->event, e->seq);
			continue;
		}
		count(in, "duplicate", 1);
		rows_duplicate(&r, &e->event, e->first, clock_wall());
		outbox_observe(k->c.outbox, &r);
		if (e->again)
			dispatch_accept(k->c.dispatch, &e->event, e->seq);
	}
}

/* On the writer's thread. The request is answered here unless the loop found
 * it overdue; what was committed is handed over either way. */
static void committed(struct spool_put *put, const struct err *err)
{
	struct parcel *in = CONTAINER_OF(put, struct parcel, body.put);
	struct intake *k = in->k;
	struct http_request *req = in->pending.request;

	if (!err)
		(void)FAIL_POINT("ingress.accepted");
	if (pending_take(&k->pending, &in->pending)) {
		struct conf_source named = {.name = in->source};
		struct caller c = {k->c.refusals, req, &named, in->peer,
			in->path};

		if (err)
			answer_later(&c, 503, 5, "the event could not be stored; "
				"send it again");
		else
			answer_ids(req, put);
	}
	if (!err) {
		observe_rows(k, in);
		hand_over(k, in);
	}
	parcel_free(in);
	atomic_fetch_sub(&k->under_way, 1);
}

static void answer_overdue(void *ctx)
{
	struct intake *k = ctx;
	struct http_request *req;
	int64_t next, now = clock_mono();

	loop_timer_cancel(&k->timer);
	while ((req = pending_overdue(&k->pending, now, &next))) {
		struct caller c = {k->c.refusals, req, NULL, http_request_peer(req),
			http_request_path(req)};

		answer_later(&c, 503, 1, "the event was not stored in time; send it "
			"again");
	}
	if (next)
		k->timer = loop_timer_start(
			k->c.loop, next - now, 0, answer_overdue, k);
}

static void commit(struct intake *k, const struct caller *c,
	struct parcel *in)
{
	bool watch;

	if (atomic_load(&k->under_way) >= UNDER_WAY_MAX) {
		parcel_free(in);
		answer_later(c, 503, 1, FULL);
		return;
	}
	in->body.put.done = committed;
	snprintf(in->peer, sizeof(in->peer), "%s", c->peer);
	snprintf(in->path, sizeof(in->path), "%s", c->path);
	atomic_fetch_add(&k->under_way, 1);
	watch = pending_add(&k->pending, &in->pending, c->req,
		clock_mono() + in->body.patience_ms);
	/* Between add and start the loop may answer, so from here on only who
	 * takes the entry may use the request. */
	if (watch)
		loop_post(k->c.loop, answer_overdue, k);
	if (!spool_put_start(k->c.spool, &in->body.put))
		return;
	if (pending_take(&k->pending, &in->pending))
		answer_later(c, 503, 1, FULL);
	parcel_free(in);
	atomic_fetch_sub(&k->under_way, 1);
}

/* ---- what becomes of a body ---------------------------------------------- */

static void answer_ignored(struct intake *k, const struct caller *c,
	struct parcel *in)
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
	observe_rows(k, in);
	parcel_free(in);
	answer_json(c->req, 200, body, NULL);
}

void intake_take(struct intake *k, const struct caller *c,
	const struct request *view, const struct conf_source *as,
	const char *trigger)
{
	struct parcel *in = xcalloc(1, sizeof(*in));
	struct err err = {0};

	in->k = k;
	snprintf(in->source, sizeof(in->source), "%s", c->source->name);
	if (body_read(view, as, trigger, http_request_time(c->req), &in->body,
		&err) < 0) {
		parcel_free(in);
		answer_refusal(c, 400, NULL, "%s", err.text);
	} else if (in->body.put.entries.n) {
		commit(k, c, in);
	} else {
		answer_ignored(k, c, in);
	}
}

/* ---- life ---------------------------------------------------------------- */

struct intake *intake_new(const struct intake_config *c)
{
	struct intake *k = xcalloc(1, sizeof(*k));

	k->c = *c;
	pending_init(&k->pending);
	return k;
}

void intake_free(struct intake *k)
{
	if (!k)
		return;
	loop_timer_cancel(&k->timer);
	pending_destroy(&k->pending);
	free(k);
}

size_t intake_under_way(struct intake *k)
{
	return atomic_load(&k->under_way);
}
