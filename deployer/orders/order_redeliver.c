/* The verb `redeliver`: an ended job is opened again on disk, and is then one
 * of the queue's like any other. */
#include "deployer/orders/order.h"
#include "deployer/intake.h"
#include "deployer/http/notices.h"
#include "deployer/orders/orders.h"
#include "deployer/queue/queue_read.h"
#include "deployer/results.h"
#include "deployer/runner.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

/* The jobs of one order; it is answered when the last one is open. */
struct again {
	struct deployer *d;
	struct order *o;
	size_t left, done;
	const char *code; /* of the last that is not done; NULL: none */
	char text[640];
	VEC(char *) ids;
};

/* One of them. */
struct reopening {
	struct again *again;
	char *id;
	struct queue_reopened now;
};

static void row_written(void *ctx)
{
	struct deployer *d = ctx;

	results_pump(d->results);
	notices_pump(d->notices);
}

/* It is open on disk. */
static void run_again(struct deployer *d, const struct queue_reopened *now)
{
	const struct job *job = &now->job;
	struct queue_spec spec = {.id = job->id, .enqueued = clock_wall(),
		.event = job->event.id, .time = job->event.time,
		.tag = job->event.tag, .lane = job->lane,
		.attempt = now->tries, .base = now->tries};
	struct notice_list notices = {0};
	struct strbuf key = {0};
	struct record refused;
	struct queue_store_change c = {.id = job->id, .state = QUEUE_DONE,
		.attempt = now->tries, .now = spec.enqueued, .row = &refused,
		.notices = &notices};

	if (intake_accepts(d->conf, job, spec.enqueued, &key, &spec.coalesce,
		    &refused)) {
		spec.target = strbuf_cstr(&key);
		/* Somebody wants it, also after it was rolled back. */
		spec.forced = spec.coalesce;
		runner_add(d, &spec);
	} else {
		refused.final = false;
		notice_about(d->conf, job, &refused, &notices);
		queue_store_change(d->store, &c, row_written, d);
	}
	strbuf_release(&key);
}

static void answer(struct again *a)
{
	if (a->done || !a->code)
		order_done(a->o, NULL, "%zu job%s done again%s%s", a->done,
			a->done == 1 ? " is" : "s are",
			a->code ? "; not all: " : "", a->text);
	else
		order_refuse(a->o, a->code, "%s", a->text);
	for (size_t i = 0; i < a->ids.n; i++)
		free(a->ids.v[i]);
	VEC_RELEASE(&a->ids);
	free(a);
}

static void fail(struct again *a, const char *id, const char *code,
	const char *why)
{
	a->code = code;
	snprintf(a->text, sizeof(a->text), "%s is not redelivered: %s", id,
		why);
}

static void reopened(void *ctx, bool nothing, const struct err *failed)
{
	struct reopening *r = ctx;
	struct again *a = r->again;

	if (failed)
		fail(a, r->id, ANSWER_FAILED, failed->text);
	else if (nothing)
		fail(a, r->id, ANSWER_ABSENT,
			"it is no ended job that is kept here");
	else if (!a->d->draining)
		run_again(a->d, &r->now);
	a->done += !failed && !nothing;
	queue_reopened_release(&r->now);
	free(r->id);
	free(r);
	if (--a->left == 0)
		answer(a);
}

static void start(struct again *a)
{
	a->left = a->ids.n;
	for (size_t i = 0, n = a->left; i < n; i++) {
		struct reopening *r = xcalloc(1, sizeof(*r));

		r->again = a;
		r->id = xstrdup(a->ids.v[i]);
		queue_store_reopen(a->d->store, r->id, clock_wall(), &r->now,
			reopened, r);
	}
}

/* ---- which ------------------------------------------------------------------ */

static void add(void *ctx, const char *id)
{
	struct again *a = ctx;

	VEC_PUSH(&a->ids, xstrdup(id));
}

int orders_filter(struct queue_read_filter *f, const char *name,
	const char *value, struct err *err)
{
	bool since = strcmp(name, "since") == 0;
	int64_t age, *at = since ? &f->since : &f->until;

	if (strcmp(name, "trigger") == 0) {
		f->trigger = value;
		return 0;
	}
	if (strcmp(name, "status") == 0) {
		f->status = value;
		return 0;
	}
	if (!since && strcmp(name, "until") != 0)
		return err_fail(err, "jobs are chosen by trigger, status, "
				     "since and until, not by %s", name);
	if (str_to_duration(str_from(value), &age) == 0 && age >= 0) {
		*at = clock_wall() - age;
		return 0;
	}
	if (str_to_time(str_from(value), at) == 0)
		return 0;
	return err_fail(err, "`%s` is neither an age such as 2h nor a time "
			     "such as 2026-01-31T12:00:00Z", value);
}

/* 0 or -1 with the refusal's code. */
static int choose(struct again *a, const char **code, struct err *err)
{
	struct queue_read_filter f = {.until = INT64_MAX};
	const struct json *args = order_args(a->o);

	*code = ANSWER_MALFORMED;
	if (json_len(args) == 0)
		return err_fail(err, "redeliver takes a job, EVENT/TRIGGER, or "
				     "some of trigger, status, since, until");
	for (const struct json *j = json_first(args); j; j = json_next(j))
		if (!json_str(j))
			return err_fail(err, "%s is to be a text",
				json_key(j));
		else if (orders_filter(&f, json_key(j), json_str(j), err) < 0)
			return -1;
	*code = ANSWER_FAILED;
	if (queue_read_ended(queue_store_reader(a->d->store), &f, add, a,
		    err) < 0)
		return -1;
	*code = ANSWER_ABSENT;
	if (a->ids.n == 0)
		return err_fail(err, "no ended job that is kept here fits");
	*code = ANSWER_REFUSED;
	if (a->ids.n > ORDERS_MAX)
		return err_fail(err, "%zu are too many at once, %d is the "
				     "most: narrow it by time", a->ids.n,
			ORDERS_MAX);
	return 0;
}

void order_redeliver(struct deployer *d, struct order *o)
{
	const char *id = order_arg(o, "job"), *code;
	struct again *a = xcalloc(1, sizeof(*a));
	struct err err;

	a->d = d;
	a->o = o;
	if (id) {
		add(a, id);
		start(a);
	} else if (choose(a, &code, &err) == 0) {
		start(a);
	} else {
		a->code = code;
		snprintf(a->text, sizeof(a->text), "%s", err.text);
		answer(a);
	}
}
