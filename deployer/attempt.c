#include "deployer/attempt.h"

#include "deployer/http/notices.h"
#include "deployer/queue/queue_read.h"
#include "deployer/results.h"
#include "deployer/runner.h"
#include "deployer/target.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

#define UNREADABLE_MS 1000

static void attempt_free(struct attempt *a)
{
	if (a->over)
		a->over(a->ctx);
	list_remove(&a->node);
	field_release(&job_table, &a->what);
	conf_free(a->conf);
	free(a);
}

/* The configuration has changed while the job waited. */
static void refuse(struct attempt *a, const struct err *err)
{
	struct record row;

	attempt_row(a, &row, "refused", NULL);
	record_reason(&row, "%s", err->text);
	attempt_end(a, &row);
}

/* Is it still the target in whose line the job waits? */
static int same_target(const struct attempt *a, struct err *err)
{
	struct strbuf key = {0};
	bool same;

	target_key(a->trigger, &key);
	same = strcmp(strbuf_cstr(&key), queue_job_target(a->job)) == 0;
	strbuf_release(&key);
	return same ? 0 : err_fail(err, "trigger %s has another target now, or "
				   "another `dry_run`, than when this push "
				   "came", a->trigger->name);
}

struct attempt *attempt_begin(struct deployer *d, struct queue_job *job)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	struct err err;

	a->d = d;
	a->job = job;
	a->number = job->attempt + 1;
	a->started = clock_wall();
	a->conf = conf_ref(d->conf);
	list_push_back(&d->attempts, &a->node);
	if (queue_read_job(queue_store_reader(d->store), job->id, &a->what,
		    &err) < 0) {
		log_limited(LOG_ERROR, job->id, "not started: %s", err.text);
		runner_again(d, job, a->started + UNREADABLE_MS);
		attempt_free(a);
		return NULL;
	}
	a->trigger = target_find(a->conf, &a->what, &err);
	if (!a->trigger || same_target(a, &err) < 0) {
		refuse(a, &err);
		return NULL;
	}
	/* Of a post as well: what is cut off again and again is parked. What may
	 * have killed is known to run before it does. */
	queue_store_running(d->store, job->id, job->suspect);
	return a;
}

bool attempt_is_ordered(const struct attempt *a)
{
	return a->job->base > 0 && !a->what.event.again;
}

void attempt_row(const struct attempt *a, struct record *row,
	const char *status, const struct driver_phases *phases)
{
	int64_t now = clock_wall();
	struct row_times times = {
		.event = a->job->time,
		.enqueued = a->job->enqueued,
		.since = a->job->since,
		.started = a->started,
		.ended = now,
		.phases = phases,
	};

	row_init(row, &a->what, a->trigger, a->number, status, now);
	row->generation = xstrdup_null(a->conf->generation);
	row_durations(row, &times);
}

/* It is on disk. */
static void written(void *ctx)
{
	struct attempt *a = ctx;
	struct deployer *d = a->d;

	results_pump(d->results);
	notices_pump(d->notices);
	switch (a->state) {
	case QUEUE_DONE:
		queue_end(d->queue, a->job);
		queue_job_free(a->job);
		break;
	case QUEUE_HELD:
		queue_hold(d->queue, a->job);
		break;
	default:
		runner_again(d, a->job, a->due);
	}
	attempt_free(a);
	runner_kick(d);
}

static void count(const struct attempt *a, enum queue_state state,
	const char *status)
{
	const char *lane = queue_job_lane(a->job);

	metric_add(METRIC_ATTEMPTS, lane, status, 1);
	if (state == QUEUE_DONE)
		metric_add(METRIC_JOBS_ENDED, lane, status, 1);
	else
		metric_add(METRIC_RETRIES, lane, NULL, 1);
	if (strcmp(status, "rolled_back") == 0)
		metric_add(METRIC_ROLLBACKS, lane, NULL, 1);
}

static void finish(struct attempt *a, enum queue_state state, int64_t due,
	struct record *row, const char *why)
{
	struct notice_list notices = {0};
	struct queue_store_change c = {
		.id = a->job->id,
		.state = state,
		.due = due,
		.now = clock_wall(),
		.row = row,
		.note = why,
		.notices = &notices,
	};

	if (state == QUEUE_DONE)
		notice_about(a->conf, &a->what, row, &notices);
	if (state == QUEUE_DONE && row && row_is_done(row)) {
		c.did = &a->what;
		c.target = queue_job_target(a->job);
	}
	a->state = state;
	a->due = due;
	if (a->uncounted) {
		a->job->told = true;
	} else {
		a->job->told = false;
		a->job->attempt = a->number;
	}
	c.attempt = a->job->attempt;
	if (row && !a->uncounted)
		count(a, state, row->status);
	queue_store_change(a->d->store, &c, written, a);
}

void attempt_end(struct attempt *a, struct record *row)
{
	/* Of a redelivery, the final row was the one before it. */
	row->final = a->job->base == 0;
	(void)FAIL_POINT("deployer.before_final");
	finish(a, QUEUE_DONE, 0, row, NULL);
}

void attempt_again(struct attempt *a, struct record *row, int64_t due)
{
	row->final = false;
	row->next_attempt = due;
	finish(a, QUEUE_WAITING, due, row, NULL);
}

void attempt_wait(struct attempt *a, struct record *row, int64_t due,
	const char *why)
{
	if (row)
		row->final = false;
	a->uncounted = true;
	finish(a, QUEUE_WAITING, due, row, why);
}

void attempt_hold(struct attempt *a, struct record *row)
{
	row->final = false;
	a->uncounted = true;
	finish(a, QUEUE_HELD, 0, row, NULL);
}

void attempt_abandon(struct attempt *a)
{
	attempt_free(a);
}
