#include "deployer/engine.h"

#include "deployer/crashed.h"
#include "deployer/queue/queue_read.h"
#include "deployer/recovery.h"
#include "deployer/results.h"
#include "deployer/row.h"
#include "deployer/runner.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define WATCH_MS 10000 /* an open engine is asked for so often */

struct engine {
	struct deployer *d;
	const struct conf_engine *conf;
	const struct driver *driver;
	char *condition; /* "engine NAME" */
	bool open;
	bool probing;    /* a worker checks, and recovers if it was closed */
	size_t running;  /* deploys under way */
	unsigned tries;  /* checks that failed in a row */
	int64_t next_try; /* UTC ms */
	char down[512];  /* why it is closed; "" while that is not known */
	struct loop_timer *timer;
	/* The worker's, while probing: */
	struct conf *triggers; /* a reference */
	bool recovering;
	int rc;
	struct err err;
};

static struct engine *engine_of(struct deployer *d, const char *lane)
{
	for (size_t i = 0; i < d->n_engines; i++)
		if (strcmp(d->engines[i]->conf->name, lane) == 0)
			return d->engines[i];
	return NULL;
}

/* ---- rows while it is away ----------------------------------------------- */

static void waiting_reason(const struct engine *e, struct record *row)
{
	row->next_attempt = e->next_try;
	record_reason(row, "engine %s does not answer, the job waits for it: "
			   "%s", e->conf->name, e->down);
}

static void row_written(void *ctx)
{
	struct deployer *d = ctx;

	results_pump(d->results);
}

static void tell_job(void *ctx, struct queue_job *job)
{
	struct engine *e = ctx;
	struct deployer *d = e->d;
	struct job what = {0};
	struct record row;
	struct err err;
	struct queue_store_change c = {.id = job->id, .state = QUEUE_WAITING,
		.attempt = job->attempt, .due = job->due,
		.now = clock_wall(), .row = &row};
	struct row_times times = {.event = job->time,
		.enqueued = job->enqueued, .ended = c.now};

	if (job->told)
		return;
	if (queue_read_job(queue_store_reader(d->store), job->id, &what,
		    &err) < 0) {
		log_limited(LOG_ERROR, job->id, "%s", err.text);
		return;
	}
	job->told = true;
	row_init(&row, &what, conf_trigger(d->conf, what.trigger),
		job->attempt + 1, "waiting", c.now);
	field_release(&job_table, &what);
	row_durations(&row, &times);
	row.attempts = job->base + (int64_t)retry_deploy.n;
	waiting_reason(e, &row);
	queue_store_change(d->store, &c, row_written, d);
}

void engine_tell_waiting(struct deployer *d, const char *lane)
{
	struct engine *e = engine_of(d, lane);

	if (e && !e->open && e->down[0])
		queue_each(d->queue, lane, QUEUE_WAITING, tell_job, e);
}

/* ---- opening and closing ------------------------------------------------- */

static void probe(void *ctx);

static void ask_again(struct engine *e, int64_t ms)
{
	loop_timer_cancel(&e->timer);
	e->timer = loop_timer_start(e->d->loop, ms, 0, probe, e);
}

static void release_job(void *ctx, struct queue_job *job)
{
	runner_release(ctx, job);
}

static void open_lane(struct engine *e)
{
	struct deployer *d = e->d;

	e->open = true;
	e->tries = 0;
	e->down[0] = '\0';
	log_info(NULL, "engine %s answers", e->conf->name);
	daemon_ready(d->daemon, e->condition);
	queue_open(d->queue, e->conf->name, true);
	/* Recovery has reported those that ended; the others run again. */
	queue_each(d->queue, e->conf->name, QUEUE_HELD, release_job, d);
	ask_again(e, WATCH_MS);
	runner_kick(d);
}

static void close_lane(struct engine *e, const char *why)
{
	struct deployer *d = e->d;
	int64_t wait = retry_engine(++e->tries);

	e->open = false;
	e->next_try = clock_wall() + wait;
	snprintf(e->down, sizeof(e->down), "%s", why);
	log_limited(LOG_WARN, e->condition, "engine %s does not answer: %s",
		e->conf->name, why);
	daemon_not_ready(d->daemon, e->condition, "engine %s: %s",
		e->conf->name, why);
	queue_open(d->queue, e->conf->name, false);
	engine_tell_waiting(d, e->conf->name);
	ask_again(e, wait);
}

/* ---- the probe ----------------------------------------------------------- */

/* Worker: nothing of the engine but conf, driver, rc and err is touched. */
static void probe_work(void *ctx)
{
	struct engine *e = ctx;

	e->rc = e->driver->check(e->conf, &e->err);
	if (e->rc == 0 && e->recovering)
		e->rc = recovery_run(e->d, e->triggers, e->conf, e->driver, &e->err);
	if (e->rc == 0 && e->driver->tend)
		e->driver->tend(e->conf, queue_store_journal(e->d->store));
}

static void probe_done(void *ctx)
{
	struct engine *e = ctx;

	e->probing = false;
	e->d->workers--;
	conf_free(e->triggers);
	e->triggers = NULL;
	if (e->d->draining)
		return;
	if (e->rc < 0)
		close_lane(e, e->err.text);
	else if (e->open)
		ask_again(e, WATCH_MS);
	else if (e->recovering)
		open_lane(e);
	else /* closed by a deploy while it was only checked */
		ask_again(e, 0);
}

static void probe(void *ctx)
{
	struct engine *e = ctx;

	e->timer = NULL;
	if (e->d->draining || e->probing)
		return;
	/* Recovery must not meet a deploy: engine_leave() asks again. */
	if (e->running && !e->open)
		return;
	e->probing = true;
	e->recovering = !e->open;
	if (e->recovering)
		crashed_recovering(e->d, e->conf->name);
	e->d->workers++;
	e->triggers = conf_ref(e->d->conf);
	err_clear(&e->err);
	loop_spawn(e->d->loop, probe_work, probe_done, e);
}

/* ---- deploys ------------------------------------------------------------- */

struct engine *engine_enter(struct deployer *d, const char *lane)
{
	struct engine *e = engine_of(d, lane);

	if (!e || !e->open)
		BUG("a job of lane %s is started while it is closed", lane);
	e->running++;
	return e;
}

void engine_leave(struct engine *e)
{
	e->running--;
	if (!e->open && !e->running && !e->timer && !e->probing)
		ask_again(e, 0);
}

void engine_down(struct engine *e, const char *why)
{
	if (e->open && !e->d->draining)
		close_lane(e, why);
}

const struct conf_engine *engine_conf(const struct engine *e)
{
	return e->conf;
}

const struct driver *engine_driver(const struct engine *e)
{
	return e->driver;
}

/* ---- life ---------------------------------------------------------------- */

struct engine *engine_new(struct deployer *d, const struct conf_engine *conf,
	const struct driver *driver)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->d = d;
	e->conf = conf;
	e->driver = driver;
	e->condition = xprintf("engine %s", conf->name);
	daemon_not_ready(d->daemon, e->condition, "engine %s: not asked yet",
		conf->name);
	ask_again(e, 0);
	return e;
}

void engine_free(struct engine *e)
{
	if (!e)
		return;
	loop_timer_cancel(&e->timer);
	free(e->condition);
	free(e);
}
