/*
 * What a person says of one open job: approve, hold, release, retry, cancel.
 * A mark is on disk before it counts: who has spoken is not asked again.
 */
#include "deployer/orders/order.h"
#include "deployer/http/notices.h"
#include "deployer/queue/queue_read.h"
#include "deployer/results.h"
#include "deployer/row.h"
#include "deployer/runner.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* The job that the order is about, or NULL: the order is refused. */
static struct queue_job *find(struct deployer *d, struct order *o,
	const char *verb, const char *participle)
{
	const char *id = order_arg(o, "job");
	struct queue_job *job = id ? queue_find(d->queue, id) : NULL;

	if (!id)
		order_refuse(o, ANSWER_MALFORMED,
			"%s takes a job: EVENT/TRIGGER", verb);
	else if (!job)
		order_refuse(o, ANSWER_ABSENT,
			"%s does not wait here: not %s", id, participle);
	return job;
}

/* ---- marks ---------------------------------------------------------------- */

struct marking {
	struct deployer *d;
	struct order *o;
	char *id;
	struct queue_store_marks marks;
	const char *is; /* "approved" */
};

static void set(bool *mark, enum queue_store_mark to)
{
	if (to != QUEUE_STORE_AS_IT_IS)
		*mark = to == QUEUE_STORE_SET;
}

static void marking_free(void *ctx)
{
	struct marking *m = ctx;

	free(m->id);
	free(m);
}

static void marked(void *ctx)
{
	struct marking *m = ctx;
	struct queue_job *job = queue_find(m->d->queue, m->id);

	if (job) {
		set(&job->approved, m->marks.approved);
		set(&job->paused, m->marks.paused);
		set(&job->forced, m->marks.forced);
	}
	order_done(m->o, NULL, "%s is %s", m->id, m->is);
	if (job && job->state == QUEUE_WAITING)
		queue_hurry(m->d->queue, job, clock_wall());
	runner_kick(m->d);
	marking_free(m);
}

static void mark(struct deployer *d, struct order *o,
	const struct queue_job *job, const struct queue_store_marks *marks,
	const char *is)
{
	struct marking *m = xcalloc(1, sizeof(*m));

	m->d = d;
	m->o = o;
	m->id = xstrdup(job->id);
	m->marks = *marks;
	m->is = is;
	queue_store_mark(d->store, job->id, marks, marked, marking_free, m);
}

void order_approve(struct deployer *d, struct order *o)
{
	const struct queue_job *job = find(d, o, "approve", "approved");
	const struct queue_store_marks marks = {.approved = QUEUE_STORE_SET};

	if (job)
		mark(d, o, job, &marks, "approved");
}

void order_hold(struct deployer *d, struct order *o)
{
	const struct queue_job *job = find(d, o, "hold", "held");
	const struct queue_store_marks marks = {.paused = QUEUE_STORE_SET};

	if (job)
		mark(d, o, job, &marks, job->state == QUEUE_RUNNING
				? "held, when the attempt under way is over"
				: "held");
}

void order_release(struct deployer *d, struct order *o)
{
	const struct queue_job *job = find(d, o, "release", "released");
	const struct queue_store_marks marks = {.paused = QUEUE_STORE_CLEAR};

	if (!job)
		return;
	if (!job->paused) {
		order_refuse(o, ANSWER_REFUSED, "%s is not held by hand",
			job->id);
		return;
	}
	mark(d, o, job, &marks, "released");
}

/* One that waits goes on at once; one that has ended begins anew. */
void order_retry(struct deployer *d, struct order *o)
{
	const char *id = order_arg(o, "job");
	const struct queue_job *job = id ? queue_find(d->queue, id) : NULL;
	const struct queue_store_marks marks = {.paused = QUEUE_STORE_CLEAR,
		.forced = QUEUE_STORE_SET};

	if (!id) {
		order_refuse(o, ANSWER_MALFORMED,
			"retry takes a job: EVENT/TRIGGER");
	} else if (!job) {
		order_redeliver(d, o);
	} else if (job->state == QUEUE_HELD) {
		order_refuse(o, ANSWER_REFUSED, "%s waits for its engine, and "
			"goes on by itself when that answers", id);
	} else if (job->state != QUEUE_WAITING) {
		order_refuse(o, ANSWER_REFUSED, "%s is under way", id);
	} else {
		mark(d, o, job, &marks, "tried again");
	}
}

/* ---- cancel --------------------------------------------------------------- */

struct cancelling {
	struct deployer *d;
	struct order *o;
	struct queue_job *job;
};

static void cancelled(void *ctx)
{
	struct cancelling *c = ctx;

	results_pump(c->d->results);
	notices_pump(c->d->notices);
	order_done(c->o, NULL, "%s is cancelled", c->job->id);
	queue_job_free(c->job);
	runner_kick(c->d);
	free(c);
}

static int make_row(struct deployer *d, const struct order *o,
	const struct queue_job *job, struct record *row,
	struct notice_list *notices, int64_t now, struct err *err)
{
	struct job what = {0};
	struct row_times times = {.event = job->time,
		.enqueued = job->enqueued, .ended = now};

	if (queue_read_job(queue_store_reader(d->store), job->id, &what, err) <
		0)
		return -1;
	row_init(row, &what, conf_trigger(d->conf, what.trigger),
		job->attempt + 1, "refused", now);
	row_durations(row, &times);
	row->final = job->base == 0;
	record_reason(row, "cancelled by %s%s", order_who(o),
		job->state == QUEUE_HELD
			? " while its engine did not answer: when it does, what "
			  "was begun there is finished or undone"
			: "");
	notice_about(d->conf, &what, row, notices);
	field_release(&job_table, &what);
	return 0;
}

void order_cancel(struct deployer *d, struct order *o)
{
	struct queue_job *job = find(d, o, "cancel", "cancelled");
	struct notice_list notices = {0};
	struct queue_store_change change = {.state = QUEUE_DONE,
		.now = clock_wall(), .notices = &notices};
	struct cancelling *c;
	struct record row;
	struct err err;

	if (!job)
		return;
	if (job->state == QUEUE_RUNNING) {
		order_refuse(o, ANSWER_REFUSED, "%s is under way: it cannot be "
			"cancelled. `hold` keeps it from another attempt",
			job->id);
		return;
	}
	change.unsettled = job->state == QUEUE_HELD;
	if (make_row(d, o, job, &row, &notices, change.now, &err) < 0) {
		order_refuse(o, ANSWER_FAILED, "%s is not cancelled: %s",
			job->id, err.text);
		return;
	}
	queue_end(d->queue, job);
	c = xcalloc(1, sizeof(*c));
	c->d = d;
	c->o = o;
	c->job = job;
	change.id = job->id;
	change.attempt = job->attempt + 1;
	change.row = &row;
	queue_store_change(d->store, &change, cancelled, c);
}
