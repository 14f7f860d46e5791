#include "deployer/http/notify.h"

#include "deployer/http/notification.h"
#include "deployer/http/post.h"
#include "deployer/queue/queue_read.h"
#include "deployer/http/receiver.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

struct notify {
	struct deployer *d;
	struct poster *poster;
	struct map *known; /* trigger's name -> struct known */
	struct list calls;
};

/* The one at a trigger's URL. */
struct known {
	struct receiver r;
	char url[ENC_SHA256_HEX];
};

struct call {
	struct list node;
	struct attempt *attempt;
	struct notify *n;
	struct known *known;
	bool probe; /* of a suspended one: no try of the job */
};

static void call_free(struct call *c)
{
	list_remove(&c->node);
	free(c);
}

/* ---- who is there ---------------------------------------------------------------- */

static struct known *known_of(struct notify *n, const struct conf_trigger *t)
{
	struct known *k = map_get(n->known, str_from(t->name));
	char url[ENC_SHA256_HEX];
	struct err err;

	enc_sha256_hex(t->url, strlen(t->url), url);
	if (!k) {
		k = xcalloc(1, sizeof(*k));
		map_put(n->known, str_from(t->name), k);
	}
	/* The URL changes when the configuration is read again. */
	if (strcmp(k->url, url) == 0)
		return k;
	memcpy(k->url, url, sizeof(url));
	if (queue_read_receiver(queue_store_reader(n->d->store), t->name,
		    k->url, &k->r, &err) < 0)
		log_error(t->name, "%s", err.text);
	return k;
}

/* On disk before the attempt's end, which is written after it. */
static void note(struct call *c, const struct post_result *res)
{
	const struct conf_trigger *t = c->attempt->trigger;
	enum receiver_outcome outcome = res->delivered ? RECEIVER_TOOK
		: res->gone ? RECEIVER_SAID_GONE
			    : RECEIVER_FAILED;
	bool suspended = c->known->r.probe_at != 0;

	if (!receiver_note(&c->known->r, outcome, clock_wall()))
		return;
	queue_store_receiver(
		c->n->d->store, t->name, c->known->url, &c->known->r);
	if (res->gone)
		log_warn(t->name, "disabled: its URL answered 410 Gone");
	else if (!suspended && c->known->r.probe_at)
		log_warn(t->name, "suspended: its URL has only failed for "
				  "five days; it is asked once an hour");
	else if (suspended && res->delivered)
		log_info(t->name, "no longer suspended: its URL answered");
}

/* Until when the job may wait for a suspended one; UTC ms. */
static int64_t patience_of(const struct attempt *a)
{
	return a->job->enqueued + retry_patience(&a->d->schedule);
}

/* ---- the end ------------------------------------------------------------------- */

static void row_of(struct attempt *a, struct record *row, const char *status,
	const struct driver_phases *phases)
{
	attempt_row(a, row, status, phases);
	row->attempts = a->job->base + (int64_t)a->d->schedule.n;
}

static void try_again(struct attempt *a, struct record *row,
	const struct post_result *res)
{
	struct retry_failure f = {.attempt = a->number - a->job->base,
		.now = clock_wall(), .retry_after = -1, .slow = res->slow};
	int64_t due;

	if (res->retry_after)
		f.retry_after = retry_after(str_from(res->retry_after), f.now);
	enc_random(&f.random, sizeof(f.random));
	due = retry_next(&a->d->schedule, &f);
	if (due >= 0) {
		record_reason(row, "%s; it is tried again", res->reason);
		attempt_again(a, row, due);
		return;
	}
	record_reason(row, "%s; given up after %lld attempts", res->reason,
		(long long)f.attempt);
	attempt_end(a, row);
}

/* What the answer means for the job. probe: it was one of a receiver that is
 * suspended, and the next one is at probe_at. */
static void settle(struct attempt *a, struct record *row,
	const struct post_result *res, bool probe, int64_t probe_at)
{
	if (res->delivered) {
		record_reason(row, "%s%s",
			a->what.notice ? "the notice was taken"
				       : "the trigger URL took the notification",
			a->job->base == 0 ? ""
			: a->what.event.again ? ", after it was sent again"
					      : ", redelivered by hand");
		attempt_end(a, row);
	} else if (res->gone) {
		record_reason(row, "%s, Gone: the trigger is disabled until "
				    "its URL is changed or it is enabled",
			res->reason);
		attempt_end(a, row);
	} else if (res->hopeless) {
		record_reason(row, "%s", res->reason);
		attempt_end(a, row);
	} else if (probe && clock_wall() >= patience_of(a)) {
		record_reason(row, "%s; given up: the trigger is suspended "
				    "and this waited for too long",
			res->reason);
		attempt_end(a, row);
	} else if (probe) {
		record_reason(row, "%s; the trigger stays suspended",
			res->reason);
		row->next_attempt = probe_at;
		attempt_wait(a, row, probe_at, NULL);
	} else {
		try_again(a, row, res);
	}
}

static void done(void *ctx, const struct post_result *res)
{
	struct call *c = ctx;
	struct attempt *a = c->attempt;
	bool probe = c->probe;
	int64_t probe_at;
	struct driver_phases phases = {
		.v = {{"request", res->duration_ms}}, .n = 1};
	struct record row;

	row_of(a, &row, res->status, res->request ? &phases : NULL);
	row.request = xstrdup_null(res->request);
	row.response = xstrdup_null(res->response);
	log_info(a->job->id, "%s", row.status);
	metric_time(METRIC_DELIVERY, NULL, res->duration_ms * 1000);
	(void)FAIL_POINT("deployer.answered");
	(void)FAIL_POINT_OF("deployer.tag", a->what.event.tag);
	if (!res->hopeless)
		note(c, res);
	probe_at = c->known->r.probe_at;
	call_free(c);
	settle(a, &row, res, probe, probe_at);
}

/* ---- the start ------------------------------------------------------------------- */

static void refuse_gone(struct attempt *a, const struct receiver *r)
{
	char since[STR_TIME_LEN];
	struct record row;

	row_of(a, &row, "refused", NULL);
	record_reason(&row, "the trigger is disabled: its URL answered 410 "
			    "Gone at %s; give it another URL, or "
			    "`pullwire-deployer enable` it",
		str_time(r->gone_since, since));
	attempt_end(a, &row);
}

static void wait_for_probe(struct attempt *a, const struct receiver *r)
{
	int64_t end = patience_of(a);
	int64_t due = r->probe_at < end ? r->probe_at : end;
	char since[STR_TIME_LEN];
	struct record row;

	if (clock_wall() >= end) {
		row_of(a, &row, "failed", NULL);
		record_reason(&row, "given up: the trigger's URL has only "
				    "failed since %s, and this waited for too "
				    "long; `pullwire-deployer redeliver` sends "
				    "it when the URL works",
			str_time(r->failing_since, since));
		attempt_end(a, &row);
		return;
	}
	if (a->job->told) {
		attempt_wait(a, NULL, due, NULL);
		return;
	}
	row_of(a, &row, "waiting", NULL);
	record_reason(&row, "the trigger is suspended: its URL has only failed "
			    "since %s; it is asked once an hour",
		str_time(r->failing_since, since));
	row.next_attempt = r->probe_at;
	attempt_wait(a, &row, due, NULL);
}

void notify_start(struct notify *n, struct attempt *a)
{
	struct known *k = known_of(n, a->trigger);
	enum receiver_gate gate = receiver_gate(&k->r, clock_wall());
	char id[NOTIFICATION_ID_LEN];
	struct strbuf body = {0};
	struct post_spec spec = {.trigger = a->trigger, .id = id,
		.hops = a->what.event.hops};
	struct notice_form form;
	struct call *c;

	if (gate == RECEIVER_GONE) {
		refuse_gone(a, &k->r);
		return;
	}
	if (gate == RECEIVER_SUSPENDED) {
		wait_for_probe(a, &k->r);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->attempt = a;
	c->n = n;
	c->known = k;
	c->probe = gate == RECEIVER_PROBE;
	list_push_back(&n->calls, &c->node);
	notification_id(&a->what, id);
	if (a->what.notice) {
		notice_form(a->trigger->notify, a->what.notice, id, &form);
		spec.form = &form;
		spec.body = strbuf_str(&form.body);
		post_start(n->poster, &spec, done, c);
		notice_form_release(&form);
		return;
	}
	notification_body(&a->what.event, &body);
	spec.body = strbuf_str(&body);
	post_start(n->poster, &spec, done, c);
	strbuf_release(&body);
}

void notify_enable(struct notify *n, const struct conf_trigger *t)
{
	struct known *k = known_of(n, t);

	k->r = (struct receiver){0};
	queue_store_receiver(n->d->store, t->name, k->url, &k->r);
	log_info(t->name, "enabled by hand");
}

/* ---- life -------------------------------------------------------------------------- */

struct notify *notify_new(struct deployer *d)
{
	struct notify *n = xcalloc(1, sizeof(*n));

	n->d = d;
	n->poster = poster_new(d->loop, d->conf);
	n->known = map_new();
	list_init(&n->calls);
	return n;
}

void notify_free(struct notify *n)
{
	struct str name;
	void *known;

	if (!n)
		return;
	poster_free(n->poster);
	LIST_EACH(&n->calls, node) {
		struct call *c = CONTAINER_OF(node, struct call, node);

		attempt_abandon(c->attempt);
		call_free(c);
	}
	for (size_t it = 0; map_next(n->known, &it, &name, &known);)
		free(known);
	map_free(n->known);
	free(n);
}
