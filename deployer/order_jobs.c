#include "deployer/intake.h"
#include "deployer/notify.h"
#include "deployer/order.h"
#include "deployer/queue_read.h"
#include "deployer/results.h"
#include "deployer/runner.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* ---- redeliver ------------------------------------------------------------ */

/* A job that is being opened again. */
struct reopening {
	struct deployer *d;
	struct order *o;
	char *id;
};

static void row_written(void *ctx)
{
	struct deployer *d = ctx;

	results_pump(d->results);
}

/* 0 or -1: it is open on disk, and could not be read. */
static int run_again(struct deployer *d, const char *id, struct err *err)
{
	struct db *db = queue_store_reader(d->store);
	struct queue_spec spec = {.id = id, .enqueued = clock_wall()};
	struct strbuf key = {0};
	struct record refused;
	struct job job = {0};
	struct queue_store_change c = {.id = id, .state = QUEUE_DONE,
		.now = spec.enqueued, .row = &refused};

	if (queue_read_job(db, id, &job, err) < 0 ||
		queue_read_tries(db, id, &spec.attempt, &spec.base, err) < 0) {
		field_release(&job_table, &job);
		return -1;
	}
	spec.event = job.event.id;
	spec.time = job.event.time;
	spec.tag = job.event.tag;
	spec.lane = job.lane;
	c.attempt = spec.attempt;
	if (intake_accepts(d->conf, &job, spec.enqueued, &key, &spec.coalesce,
		    &refused)) {
		spec.target = strbuf_cstr(&key);
		runner_add(d, &spec);
	} else {
		refused.final = false;
		queue_store_change(d->store, &c, row_written, d);
	}
	strbuf_release(&key);
	field_release(&job_table, &job);
	return 0;
}

static void reopened(void *ctx, bool nothing, const struct err *failed)
{
	struct reopening *r = ctx;
	struct err err = {0};

	if (failed)
		order_refuse(r->o, ANSWER_FAILED, "%s is not redelivered: %s",
			r->id, failed->text);
	else if (nothing)
		order_refuse(r->o, ANSWER_ABSENT, "%s is not redelivered: it "
			"is no ended notification that is kept here", r->id);
	else if (!r->d->draining && run_again(r->d, r->id, &err) < 0)
		order_refuse(r->o, ANSWER_FAILED, "%s is not redelivered: %s",
			r->id, err.text);
	else
		order_done(r->o, NULL, "%s is sent again", r->id);
	free(r->id);
	free(r);
}

void order_redeliver(struct deployer *d, struct order *o)
{
	const char *id = order_arg(o, "job");
	struct reopening *r;

	if (!id) {
		order_refuse(o, ANSWER_MALFORMED, "redeliver takes a job: "
			"EVENT/TRIGGER");
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->d = d;
	r->o = o;
	r->id = xstrdup(id);
	queue_store_reopen(d->store, id, reopened, r);
}

/* ---- enable ---------------------------------------------------------------- */

void order_enable(struct deployer *d, struct order *o)
{
	const char *name = order_arg(o, "trigger");
	const struct conf_trigger *t = name ? conf_poster(d->conf, name) : NULL;

	if (!name) {
		order_refuse(o, ANSWER_MALFORMED,
			"enable takes the name of a trigger");
	} else if (!t || !d->notify) {
		order_refuse(o, ANSWER_ABSENT,
			"%s is no trigger of ours with a URL: not enabled",
			name);
	} else {
		notify_enable(d->notify, t);
		order_done(o, NULL, "%s may post again", name);
	}
}

/* ---- approve ---------------------------------------------------------------- */

/* A job that is waiting for it. */
struct approval {
	struct deployer *d;
	struct order *o;
	char *id;
};

static void approved(void *ctx)
{
	struct approval *a = ctx;
	struct queue_job *job = queue_find(a->d->queue, a->id);

	if (job)
		job->approved = true;
	order_done(a->o, NULL, "%s is approved", a->id);
	if (job && job->state == QUEUE_WAITING)
		queue_hurry(a->d->queue, job, clock_wall());
	runner_kick(a->d);
	free(a->id);
	free(a);
}

/* On disk first: whoever said yes is not asked again. */
void order_approve(struct deployer *d, struct order *o)
{
	const char *id = order_arg(o, "job");
	struct approval *a;

	if (!id) {
		order_refuse(o, ANSWER_MALFORMED, "approve takes a job: "
			"EVENT/TRIGGER");
		return;
	}
	if (!queue_find(d->queue, id)) {
		order_refuse(o, ANSWER_ABSENT,
			"%s does not wait here: not approved", id);
		return;
	}
	a = xcalloc(1, sizeof(*a));
	a->d = d;
	a->o = o;
	a->id = xstrdup(id);
	queue_store_approve(d->store, id, approved, a);
}
