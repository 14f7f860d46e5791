#include "deployer/recovery.h"

#include <pthread.h>

#include "deployer/http/notices.h"
#include "deployer/queue/queue_read.h"
#include "deployer/results.h"
#include "deployer/row.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

struct recovery {
	struct driver_recovery rec; /* what the driver gets */
	struct deployer *d;
	/* The report under way: the worker waits while the loop writes. */
	const char *id;
	const struct driver_result *result;
	struct queue_job *job;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool answered, over; /* it had ended before */
	int rc;
};

/* ---- on the loop -------------------------------------------------------------- */

static void answer(struct recovery *r, int rc)
{
	pthread_mutex_lock(&r->lock);
	r->answered = true;
	r->rc = rc;
	pthread_cond_signal(&r->cond);
	pthread_mutex_unlock(&r->lock);
}

static void written(void *ctx)
{
	struct recovery *r = ctx;

	results_pump(r->d->results);
	notices_pump(r->d->notices);
	queue_job_free(r->job);
	answer(r, 0);
}

static int make_row(struct recovery *r, struct job *what, struct record *row,
	struct notice_list *notices, bool *ended, int64_t now,
	struct err *err)
{
	struct row_times times = {.event = r->job->time,
		.enqueued = r->job->enqueued, .ended = now};

	if (queue_read_job(queue_store_reader(r->d->store), r->id, what,
		    err) < 0)
		return -1;
	row_init(row, what, conf_trigger(r->d->conf, what->trigger),
		r->job->attempt + 1, driver_status_words[r->result->status],
		now);
	row_durations(row, &times);
	row_result(row, r->result);
	*ended = row->final;
	row->final = *ended && r->job->base == 0;
	if (*ended)
		notice_about(r->d->conf, what, row, notices);
	return 0;
}

static void take(void *ctx)
{
	struct recovery *r = ctx;
	struct queue_store_change c = {.id = r->id, .state = QUEUE_DONE,
		.now = clock_wall()};
	struct notice_list notices = {0};
	struct record row = {0};
	struct job what = {0};
	struct err err;
	bool ended;

	r->job = queue_find(r->d->queue, r->id);
	r->over = !r->job;
	/* It runs again; nothing to write. */
	if (!r->job || r->result->status == DRIVER_WAITING) {
		answer(r, 0);
		return;
	}
	if (make_row(r, &what, &row, &notices, &ended, c.now, &err) < 0) {
		log_error(r->id, "recovered, but not ended: %s", err.text);
		answer(r, -1);
		return;
	}
	if (!ended) {
		field_release(&record_table, &row);
		field_release(&job_table, &what);
		answer(r, 0);
		return;
	}
	log_info(r->id, "%s: %s", driver_status_words[r->result->status],
		r->result->reason);
	/* Out of the queue first: nothing may supersede it any more. */
	queue_end(r->d->queue, r->job);
	c.attempt = r->job->attempt + 1;
	c.row = &row;
	c.notices = &notices;
	if (row_is_done(&row)) {
		c.did = &what;
		c.target = queue_job_target(r->job);
	}
	queue_store_change(r->d->store, &c, written, r);
	field_release(&job_table, &what);
}

/* ---- on the worker ---------------------------------------------------------------- */

static int report(struct driver_recovery *rec, const char *job,
	const struct driver_result *result)
{
	struct recovery *r = CONTAINER_OF(rec, struct recovery, rec);

	struct err err;

	if (result->status == DRIVER_CANCELLED)
		return 0;
	r->id = job;
	r->result = result;
	r->answered = false;
	loop_post(r->d->loop, take, r);
	pthread_mutex_lock(&r->lock);
	while (!r->answered)
		pthread_cond_wait(&r->cond, &r->lock);
	pthread_mutex_unlock(&r->lock);
	if (r->rc != 0 || !r->over)
		return r->rc;
	/* Cancelled while its engine was away: now it is settled. */
	log_info(job, "had ended before; what it had begun is settled: %s, %s",
		driver_status_words[result->status], result->reason);
	if (rec->journal->del(rec->journal, job, &err) == 0)
		return 0;
	log_warn(job, "%s", err.text);
	return -1;
}

int recovery_run(struct deployer *d, const struct conf *conf,
	const struct conf_engine *engine, const struct driver *driver, struct err *err)
{
	struct recovery r = {
		.rec = {
			.engine = engine,
			.conf = conf,
			.cancel = &d->cancel,
			.journal = queue_store_journal(d->store),
			.report = report,
		},
		.d = d,
	};
	int rc;

	pthread_mutex_init(&r.lock, NULL);
	pthread_cond_init(&r.cond, NULL);
	rc = driver->recover(&r.rec, err);
	pthread_cond_destroy(&r.cond);
	pthread_mutex_destroy(&r.lock);
	return rc;
}
