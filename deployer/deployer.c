#include "deployer/deployer.h"

#include <unistd.h>

#include "deployer/attempt.h"
#include "deployer/crashed.h"
#include "deployer/driver.h"
#include "deployer/engine.h"
#include "deployer/intake.h"
#include "deployer/http/notices.h"
#include "deployer/labels.h"
#include "deployer/http/notify.h"
#include "deployer/orders/orders.h"
#include "deployer/queue/queue_read.h"
#include "deployer/results.h"
#include "deployer/row.h"
#include "deployer/runner.h"
#include "deployer/target.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

#define TICK_MS 1000
#define DRAIN_TICK_MS 50
#define CLOCK_STEP_MS 5000 /* less than that is a clock being adjusted */
#define PRUNE_MS ((int64_t)3600 * 1000)
#define KEEP_MS ((int64_t)7 * 24 * 3600 * 1000) /* ended jobs stay known */
#define KEEP_SENT_MS ((int64_t)30 * 24 * 3600 * 1000) /* and can be sent again */

/* ---- what an earlier process left --------------------------------------------- */

static void take_newest(void *ctx, const struct queue_spec *spec)
{
	struct deployer *d = ctx;

	queue_newest(d->queue, spec->target, spec->lane, spec->time,
		spec->event, spec->tag);
}

static void row_written(void *ctx)
{
	struct deployer *d = ctx;

	results_pump(d->results);
	notices_pump(d->notices);
}

/* By the configuration as it is now: a trigger may have gone or changed. */
static void take_open(void *ctx, const struct queue_spec *spec,
	const struct job *job, const char *damage)
{
	struct deployer *d = ctx;
	struct queue_spec now = *spec;
	struct strbuf key = {0};
	struct record refused;
	struct queue_store_change c = {.id = spec->id, .state = QUEUE_DONE,
		.attempt = spec->attempt, .now = clock_wall(),
		.row = &refused};
	struct notice_list notices = {0};

	if (crashed_end(d, spec, job, damage))
		return;
	if (!intake_accepts(d->conf, job, c.now, &key, &now.coalesce,
		    &refused)) {
		refused.final = spec->base == 0;
		notice_about(d->conf, job, &refused, &notices);
		c.notices = &notices;
		queue_store_change(d->store, &c, row_written, d);
		return;
	}
	now.target = strbuf_cstr(&key);
	now.lane = job->lane;
	/* An unfinished post is simply repeated. */
	now.held = spec->held && now.coalesce;
	crashed_suspect(d, &now);
	runner_add(d, &now);
	strbuf_release(&key);
}

static int replay(struct deployer *d, struct err *err)
{
	struct db *db = queue_store_reader(d->store);

	if (crashed_count(d, err) < 0 ||
		queue_read_newest(db, take_newest, d, err) < 0 ||
		queue_read_open(db, take_open, d, err) < 0)
		return -1;
	results_pump(d->results);
	return 0;
}

/* ---- start ------------------------------------------------------------------------ */

static void store_trouble(void *ctx, const struct err *err)
{
	struct deployer *d = ctx;

	if (!err) {
		daemon_ready(d->daemon, "queue");
		log_info(NULL, "the queue can be written again");
		return;
	}
	daemon_not_ready(d->daemon, "queue", "the queue cannot be written: %s",
		err->text);
	log_limited(LOG_ERROR, "queue", "the queue cannot be written: %s",
		err->text);
}

static int start_store(struct deployer *d, struct err *err)
{
	const struct conf_deployer *conf = &d->conf->deployer;
	struct queue_limits limits = {
		.coalescing = (size_t)conf->max_deploys,
		.others = (size_t)conf->max_http,
	};
	char *path = xprintf("%s/queue.db", conf->state);

	d->store = queue_store_open(d->loop, path, store_trouble, d, err);
	free(path);
	d->queue = queue_new(&limits);
	return d->store ? 0 : -1;
}

static void asked(void *ctx, const struct chan_asker *from,
	const struct msg_order *order)
{
	struct deployer *d = ctx;

	orders_asked(d->orders, from, order);
}

static int start_outbox(struct deployer *d, struct err *err)
{
	const char **lanes;
	const struct opt_strs *loggers = &d->conf->matcher.logger;
	struct outbox_config c = {
		.role = "deployer",
		.instance = daemon_instance(d->daemon),
		.logger = (const char *const *)loggers->v,
		.n_logger = loggers->n,
		.order = asked,
		.ctx = d,
		.link = {
			.max_message = MSG_MAX,
			.keys = d->conf->deployer.keys,
			.role = "deployer",
			.server_role = "logger",
			.plain = d->conf->links == LINKS_PLAIN,
		},
	};

	c.n_lanes = target_lanes(d->conf, &lanes);
	c.lanes = lanes;
	d->outbox = outbox_open(d->loop, &c, err);
	free(lanes);
	if (!d->outbox)
		return -1;
	d->results = results_new(d->store, d->outbox);
	return 0;
}

static int start_lane(struct deployer *d, const char *lane, struct err *err)
{
	const struct conf_engine *conf;
	const struct driver *driver;

	if (strcmp(lane, TARGET_LANE_HTTP) == 0) {
		d->notify = notify_new(d);
		queue_open(d->queue, lane, true);
		return 0;
	}
	conf = conf_engine(d->conf, lane);
	driver = driver_for(conf);
	if (!driver)
		return err_fail(err, "engine %s is of a kind that this program "
				     "has no driver for", lane);
	d->engines[d->n_engines++] = engine_new(d, conf, driver);
	return 0;
}

static int start_lanes(struct deployer *d, struct err *err)
{
	const char **lanes;
	size_t n = target_lanes(d->conf, &lanes);
	int rc = 0;

	d->engines = xcalloc(n, sizeof(struct engine *));
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = start_lane(d, lanes[i], err);
	free(lanes);
	return rc;
}

static void count_jobs(const struct queue *q)
{
	size_t n[QUEUE_DONE];
	const char *lane;

	for (size_t i = 0; queue_count(q, i, &lane, n); i++)
		for (size_t state = 0; state < QUEUE_DONE; state++)
			metric_set(METRIC_JOBS, lane, queue_state_words[state],
				(int64_t)n[state]);
}

/* Due times are UTC. A clock that goes forward makes them come early, which
 * harms nobody; one that goes back must not make them late. */
static void watch_clock(struct deployer *d)
{
	int64_t ahead = clock_wall() - clock_mono();
	int64_t back = d->ahead - ahead;

	d->ahead = ahead;
	if (back < CLOCK_STEP_MS)
		return;
	log_warn(NULL, "the clock was set back by %lld s: what waits is not "
		"later for it", (long long)(back / 1000));
	queue_set_back(d->queue, back);
	runner_kick(d);
}

static void tick(void *ctx)
{
	struct deployer *d = ctx;
	int64_t now = clock_mono();

	watch_clock(d);
	crashed_tick(d);
	runner_tick(d);
	/* What could not be read before. */
	results_pump(d->results);
	notices_pump(d->notices);
	notices_tick(d->notices);
	intake_tick(d->intake);
	orders_tick(d->orders);
	count_jobs(d->queue);
	if (now - d->pruned < PRUNE_MS)
		return;
	d->pruned = now;
	notices_prune(d->notices, clock_wall());
	queue_store_prune(d->store, clock_wall() - KEEP_MS,
		clock_wall() - KEEP_SENT_MS);
}

static void tell_loggers(void *ctx, const struct msg_status *status)
{
	struct deployer *d = ctx;

	outbox_status(d->outbox, status);
}

static int start_schedule(struct deployer *d, struct err *err)
{
	const struct opt_strs *steps = &d->conf->deployer.schedule;

	d->schedule = retry_http;
	return steps->n ? retry_parse(&d->schedule, steps->v, steps->n, err)
			: 0;
}

void *deployer_start(struct daemon *daemon, const struct conf *conf,
	struct err *err)
{
	struct deployer *d = xcalloc(1, sizeof(*d));

	d->daemon = daemon;
	d->loop = daemon_loop(daemon);
	d->conf = conf_ref(conf);
	list_init(&d->attempts);
	list_init(&d->unended);
	if (start_schedule(d, err) < 0 || start_store(d, err) < 0 ||
		start_outbox(d, err) < 0 || start_lanes(d, err) < 0 ||
		!(d->labels = labels_new(d, err)) || replay(d, err) < 0 ||
		!(d->intake = intake_open(d, err)) ||
		!(d->notices = notices_open(d, err))) {
		deployer_stop(d);
		return NULL;
	}
	notices_pump(d->notices);
	d->orders = orders_new(d);
	d->pruned = clock_mono() - PRUNE_MS;
	d->ahead = clock_wall() - clock_mono();
	d->tick = loop_timer_start(d->loop, 0, TICK_MS, tick, d);
	daemon_on_status(daemon, tell_loggers, d);
	return d;
}

/* ---- a changed configuration ---------------------------------------------------- */

static bool same_lanes(const struct conf *a, const struct conf *b)
{
	const struct opt_strs *x = &a->deployer.lanes, *y = &b->deployer.lanes;

	for (size_t i = 0; i < x->n && x->n == y->n; i++)
		if (strcmp(x->v[i], y->v[i]) != 0)
			return false;
	return x->n == y->n;
}

int deployer_reload(void *state, struct conf *conf, struct err *err)
{
	struct deployer *d = state;

	/* A trigger may name what this process does not serve yet. */
	if (conf->engines_hash != d->conf->engines_hash ||
		!same_lanes(conf, d->conf))
		return err_fail(err, "engines or lanes have changed; restart "
				     "the deployer to take them and the "
				     "triggers");
	conf_free(d->conf);
	d->conf = conf_ref(conf);
	labels_apply(d->labels);
	return 0;
}

/* ---- stop -------------------------------------------------------------------------- */

static void drain_tick(void *ctx)
{
	struct deployer *d = ctx;

	if (d->workers == 0 && queue_store_pending(d->store) == 0)
		daemon_drained(d->daemon);
}

/* Nothing new is started. Posts are cut off and repeated with the same id;
 * deploys go on to the end, or to recovery when that takes too long. */
void deployer_drain(void *state)
{
	struct deployer *d = state;

	d->draining = true;
	crashed_forgive(d);
	atomic_store(&d->cancel, true);
	intake_drain(d->intake);
	notify_free(d->notify);
	d->notify = NULL;
	d->drain = loop_timer_start(
		d->loop, 0, DRAIN_TICK_MS, drain_tick, d);
}

void deployer_stop(void *state)
{
	struct deployer *d = state;

	if (d->workers) {
		/* They still use what would be freed here. */
		log_warn(NULL, "stopped with %zu under way: the next start "
			       "recovers", d->workers);
		LIST_EACH(&d->attempts, node)
			log_warn(CONTAINER_OF(node, struct attempt, node)
				->job->id, "is left under way");
		_exit(0);
	}
	d->draining = true;
	loop_timer_cancel(&d->drain);
	loop_timer_cancel(&d->tick);
	loop_timer_cancel(&d->next);
	labels_free(d->labels);
	orders_free(d->orders);
	notices_close(d->notices);
	intake_close(d->intake);
	notify_free(d->notify);
	while (!list_empty(&d->attempts))
		attempt_abandon(CONTAINER_OF(
			d->attempts.next, struct attempt, node));
	for (size_t i = 0; i < d->n_engines; i++)
		engine_free(d->engines[i]);
	free(d->engines);
	results_free(d->results);
	if (d->outbox)
		outbox_close(d->outbox);
	queue_store_close(d->store);
	runner_forget(d);
	queue_free(d->queue);
	conf_free(d->conf);
	free(d);
}
