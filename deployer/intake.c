#include "deployer/intake.h"

#include "deployer/arriving.h"
#include "deployer/labels.h"
#include "deployer/http/notices.h"
#include "deployer/queue/queue_read.h"
#include "deployer/queue/rank.h"
#include "deployer/results.h"
#include "deployer/runner.h"
#include "deployer/target.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/daemon/chan.h"

#define WINDOW 64             /* jobs a matcher may have unanswered here */
#define AGAIN_MS 1000         /* a job that could not be written */
#define MALFORMED_MS 60000
#define ALONE_MS 100 /* a job that waits for another one's end */
#define OPEN_MAX ((size_t)100000) /* jobs in memory; more stay upstream */

struct intake {
	struct deployer *d;
	struct chan *chan;
	struct list arrivals; /* struct arrival */
	struct arriving *noted;
	struct list failed;   /* struct arrival: our own, to be put again */
	struct list unread;   /* struct arrival: on disk, not in the queue */
	VEC(uint64_t) deployers; /* the peers that may send notices */
	bool full;
};

/* A job between its delivery and its commit. */
struct arrival {
	struct list node;
	struct intake *in;
	struct chan_from from;
	struct job job;
	struct strbuf key;
	bool coalesce, refused, forced;
	unsigned deaths; /* processes that did not survive it */
	int64_t now; /* UTC ms, of the delivery */
	int64_t due; /* UTC ms */
	void (*done)(void *ctx); /* our own: nobody is answered */
	void *ctx;
};

static void put(struct arrival *a);

static void arrival_free(struct arrival *a)
{
	list_remove(&a->node);
	if (!a->done)
		arriving_end(a->in->noted, a->job.id);
	field_release(&job_table, &a->job);
	strbuf_release(&a->key);
	free(a);
}

static void watch_full(struct intake *in)
{
	size_t open = queue_len(in->d->queue);
	bool full = in->full ? open > OPEN_MAX - OPEN_MAX / 10
			     : open >= OPEN_MAX;

	if (full == in->full || in->d->draining)
		return;
	in->full = full;
	chan_pause(in->chan, full);
	if (!full) {
		log_info(NULL, "jobs are taken again");
		daemon_ready(in->d->daemon, "room");
		return;
	}
	log_warn(NULL, "the queue is full: no more jobs are taken");
	daemon_not_ready(in->d->daemon, "room", "the queue is full with %zu "
		"jobs: pushes wait in ingress until a tenth of these have "
		"ended; `pullwire-deployer queue` tells what they wait for",
		OPEN_MAX);
}

/* false: not yet, what the disk has of it cannot be read. */
static bool enqueue(struct arrival *a)
{
	struct queue_spec spec = {
		.id = a->job.id,
		.event = a->job.event.id,
		.time = a->job.event.time,
		.enqueued = clock_wall(),
		.due = a->due,
		.target = strbuf_cstr(&a->key),
		.lane = a->job.lane,
		.coalesce = a->coalesce,
		.tag = a->job.event.tag,
		.forced = a->forced,
	};
	struct err err = {0};

	if (a->job.event.again &&
		queue_read_tries(queue_store_reader(a->in->d->store), spec.id,
			&spec.attempt, &spec.base, &err) < 0) {
		log_limited(LOG_ERROR, a->job.id, "waits to be read: %s",
			err.text);
		return false;
	}
	runner_add(a->in->d, &spec);
	watch_full(a->in);
	return true;
}

static void take_all(struct list *to, struct list *from)
{
	struct list *node;

	list_init(to);
	while ((node = list_pop_front(from)))
		list_push_back(to, node);
}

void intake_tick(struct intake *in)
{
	struct list again, *node;

	take_all(&again, &in->failed);
	while ((node = list_pop_front(&again)))
		put(CONTAINER_OF(node, struct arrival, node));
	take_all(&again, &in->unread);
	while ((node = list_pop_front(&again))) {
		struct arrival *a = CONTAINER_OF(node, struct arrival, node);

		list_push_back(&in->unread, node);
		if (enqueue(a))
			arrival_free(a);
	}
	watch_full(in);
}

static void committed(void *ctx, bool known, const struct err *err)
{
	struct arrival *a = ctx;
	struct intake *in = a->in;
	bool unread = false;

	if (err && a->done) {
		list_remove(&a->node);
		list_push_back(&in->failed, &a->node);
		return;
	}
	if (err) {
		log_limited(LOG_WARN, "intake", "a job was not written, it is "
			"left to the matcher: %s", err->text);
		chan_nack(in->chan, &a->from, AGAIN_MS, err->text);
		arrival_free(a);
		return;
	}
	(void)FAIL_POINT("deployer.job_committed");
	if (a->refused) {
		results_pump(in->d->results);
		notices_pump(in->d->notices);
	} else if (!known) {
		unread = !enqueue(a);
	}
	if (a->done)
		a->done(a->ctx);
	else
		chan_ack(in->chan, &a->from);
	if (unread) {
		list_remove(&a->node);
		list_push_back(&in->unread, &a->node);
	} else {
		arrival_free(a);
	}
}

static void decide(struct arrival *a, struct record *refused)
{
	struct deployer *d = a->in->d;

	(void)FAIL_POINT_OF("deployer.intake", a->job.event.tag);
	a->refused = !intake_accepts(d->conf, &a->job, a->now, &a->key,
		&a->coalesce, refused);
	if (!a->refused && a->coalesce)
		a->refused = rank_below(d, &a->job, strbuf_cstr(&a->key),
			a->now, refused);
}

/* Decides and writes. */
static void put(struct arrival *a)
{
	struct deployer *d = a->in->d;
	struct queue_store_arrival what = {0};
	struct notice_list notices = {0};
	struct record refused;

	list_push_back(&a->in->arrivals, &a->node);
	strbuf_truncate(&a->key, 0);
	a->now = clock_wall();
	a->refused = a->deaths >= ARRIVING_PARK;
	/* First: as little as can be is done with what kills. */
	if (a->refused)
		intake_parks(&a->job, a->deaths, a->now, &refused);
	else
		decide(a, &refused);
	if (a->refused)
		notice_about(d->conf, &a->job, &refused, &notices);
	what.job = &a->job;
	what.target = strbuf_cstr(&a->key);
	what.coalesce = a->coalesce;
	what.forced = a->forced;
	what.now = a->now;
	/* The schedule's first wait is before the first attempt. */
	a->due = a->coalesce || !d->schedule.steps[0]
		? 0 : a->now + d->schedule.steps[0];
	what.due = a->due;
	what.refused = a->refused ? &refused : NULL;
	what.notices = &notices;
	queue_store_arrive(d->store, &what, committed, a);
}

void intake_own(struct intake *in, const struct job *job, bool forced,
	void (*done)(void *ctx), void *ctx)
{
	struct arrival *a = xcalloc(1, sizeof(*a));

	a->forced = forced;
	a->in = in;
	a->done = done;
	a->ctx = ctx;
	field_copy(&job_table, &a->job, job);
	put(a);
}

static bool is_deployer(const struct intake *in, uint64_t peer)
{
	for (size_t i = 0; i < in->deployers.n; i++)
		if (in->deployers.v[i] == peer)
			return true;
	return false;
}

/* Is it one that this peer may send? */
static int check_job(const struct intake *in, const struct chan_from *from,
	const struct msg *msg, struct err *err)
{
	if (msg->type != MSG_JOB)
		return err_fail(err, "not a job");
	if (is_deployer(in, from->peer) != (msg->u.job.notice != NULL))
		return err_fail(err, "notices, and nothing else, come from "
				     "deployers");
	return target_check_ids(&msg->u.job, err);
}

/* May it be taken now? Else it is given back. */
static bool begin(struct intake *in, const struct chan_from *from,
	const char *id, unsigned *deaths)
{
	switch (arriving_begin(in->noted, id, clock_wall(), clock_mono(),
		deaths)) {
	case ARRIVING_GO:
	case ARRIVING_ENDS:
		return true;
	case ARRIVING_LATER:
		chan_nack(in->chan, from, ALONE_MS, "jobs are taken one at a "
			"time, for one of them may have killed the deployer");
		return false;
	case ARRIVING_LEFT:
		break;
	}
	log_limited(LOG_ERROR, id, "is left to the matcher: the deployer died "
		"%u times when it was given this job", *deaths);
	chan_nack(in->chan, from, MALFORMED_MS, "the deployer died each time "
		"that it was given this job");
	return false;
}

static void deliver(void *ctx, const struct chan_from *from,
	const struct msg *msg)
{
	struct intake *in = ctx;
	struct deployer *d = in->d;
	const struct job *job = &msg->u.job;
	struct arrival *a;
	struct err err;
	unsigned deaths;

	if (check_job(in, from, msg, &err) < 0) {
		log_limited(LOG_WARN, "intake", "not taken: %s", err.text);
		chan_nack(in->chan, from, MALFORMED_MS, err.text);
		return;
	}
	if (intake_is_early(d->conf, job, clock_wall(), &err)) {
		chan_nack(in->chan, from, AGAIN_MS, err.text);
		return;
	}
	if (!begin(in, from, job->id, &deaths))
		return;
	a = xcalloc(1, sizeof(*a));
	a->in = in;
	a->from = *from;
	a->deaths = deaths;
	field_copy(&job_table, &a->job, job);
	put(a);
}

void intake_tell_triggers(struct intake *in, uint64_t peer,
	const struct msg_triggers *t)
{
	chan_send_triggers(in->chan, peer, t);
}

static void on_peer(void *ctx, const struct chan_peer *peer, bool up)
{
	struct intake *in = ctx;

	if (up)
		labels_greet(in->d->labels, peer->peer);
	log_info(NULL, "%s %s", up ? "connected:" : "gone:",
		peer->instance ? peer->instance : "a matcher");
	if (up && peer->role && strcmp(peer->role, "deployer") == 0)
		VEC_PUSH(&in->deployers, peer->peer);
	for (size_t i = 0; i < in->deployers.n && !up; i++)
		if (in->deployers.v[i] == peer->peer)
			VEC_REMOVE_SWAP(&in->deployers, i--);
}

struct intake *intake_open(struct deployer *d, struct err *err)
{
	static const char *const admit[] = {"matcher", "deployer", NULL};
	static const struct chan_ops ops = {
		.deliver = deliver, .peer = on_peer};
	struct intake *in = xcalloc(1, sizeof(*in));
	const char **lanes;
	size_t n = target_lanes(d->conf, &lanes);
	struct chan_config c = {
		.name = "matcher>deployer",
		.bind = d->conf->deployer.link,
		.role = "deployer",
		.instance = daemon_instance(d->daemon),
		.lanes = lanes,
		.n_lanes = n,
		.window = WINDOW,
		.expect_role = "matcher",
		.expect_also = "deployer",
		.link = {
			.max_message = MSG_MAX,
			.keys = d->conf->deployer.keys,
			.role = "deployer",
			.admit = admit,
			.plain = d->conf->links == LINKS_PLAIN,
		},
	};

	in->d = d;
	in->noted = arriving_open(d->conf->deployer.state, clock_wall());
	list_init(&in->arrivals);
	list_init(&in->failed);
	list_init(&in->unread);
	in->chan = chan_open(d->loop, &c, &ops, in, err);
	free(lanes);
	if (in->chan)
		return in;
	arriving_close(in->noted);
	free(in);
	return NULL;
}

void intake_drain(struct intake *in)
{
	chan_pause(in->chan, true);
}

void intake_close(struct intake *in)
{
	struct list *node;

	if (!in)
		return;
	chan_close(in->chan);
	while ((node = list_pop_front(&in->failed)) ||
		(node = list_pop_front(&in->unread)))
		list_push_back(&in->arrivals, node);
	while (!list_empty(&in->arrivals)) {
		node = in->arrivals.next;
		arrival_free(CONTAINER_OF(node, struct arrival, node));
	}
	arriving_close(in->noted);
	VEC_RELEASE(&in->deployers);
	free(in);
}
