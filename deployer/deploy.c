#include "deployer/deploy.h"

#include "deployer/engine.h"
#include "deployer/queue/retry.h"
#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

struct deploy {
	struct driver_run run;
	struct driver_result result;
	struct attempt *attempt;
	struct engine *engine;
};

/* ---- on the worker ---------------------------------------------------------- */

static void progress(struct driver_run *run, const char *text)
{
	struct deploy *p = CONTAINER_OF(run, struct deploy, run);

	queue_store_progress(p->attempt->d->store, run->job->id, text);
}

static void work(void *ctx)
{
	struct deploy *p = ctx;

	engine_driver(p->engine)->deploy(&p->run, &p->result);
}

/* ---- on the loop -------------------------------------------------------------- */

static void over(void *ctx)
{
	struct deploy *p = ctx;

	engine_leave(p->engine);
	free(p->result.evidence);
	free(p);
}

/* A failure that may pass: the schedule says when, or that it was the last. */
static void try_again(struct attempt *a, struct record *row)
{
	struct retry_failure f = {.attempt = a->number - a->job->base,
		.now = clock_wall(), .retry_after = -1};
	int64_t due;

	enc_random(&f.random, sizeof(f.random));
	due = retry_next(&retry_deploy, &f);
	if (due >= 0) {
		attempt_again(a, row, due);
		return;
	}
	attempt_end(a, row);
}

/* Told once, however often it is tried. */
static void wait(struct attempt *a, struct record *row,
	const struct driver_result *res)
{
	bool told = a->job->told;

	row->next_attempt = clock_wall() + res->again_ms;
	attempt_wait(a, told ? NULL : row, row->next_attempt, res->reason);
	if (told)
		field_release(&record_table, row);
}

static void done(void *ctx)
{
	struct deploy *p = ctx;
	struct attempt *a = p->attempt;
	const struct driver_result *res = &p->result;
	struct record row;

	a->d->workers--;
	if (res->status == DRIVER_CANCELLED) {
		attempt_abandon(a);
		return;
	}
	attempt_row(a, &row, driver_status_words[res->status],
		&p->run.phases);
	row_result(&row, res);
	row.attempts = a->job->base + (int64_t)retry_deploy.n;
	if (res->status != DRIVER_LATER || !a->job->told)
		log_info(a->job->id, "%s: %s",
			driver_status_words[res->status], res->reason);
	if (res->status == DRIVER_WAITING) {
		engine_down(p->engine, res->reason);
		attempt_hold(a, &row);
	} else if (res->status == DRIVER_LATER) {
		wait(a, &row, res);
	} else if (row.final) {
		attempt_end(a, &row);
	} else {
		try_again(a, &row);
	}
}

void deploy_start(struct attempt *a)
{
	struct deploy *p = xcalloc(1, sizeof(*p));
	struct deployer *d = a->d;

	p->attempt = a;
	p->engine = engine_enter(d, queue_job_lane(a->job));
	p->run = (struct driver_run){
		.engine = engine_conf(p->engine),
		.trigger = a->trigger,
		.job = &a->what,
		.source = conf_source(
			a->conf, str_from(a->what.event.source)),
		.cancel = &d->cancel,
		.journal = queue_store_journal(d->store),
		.force = a->job->forced,
		.progress = progress,
	};
	a->over = over;
	a->ctx = p;
	d->workers++;
	loop_spawn(d->loop, work, done, p);
}
