#include "deployer/http/notices.h"

#include "deployer/intake.h"
#include "deployer/queue/queue_read.h"
#include "deployer/target.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"
#include "proto/daemon/chan.h"
#include "proto/data/json.h"

#define WINDOW 64 /* in memory */
#define ORPHAN_MS ((int64_t)24 * 3600 * 1000)
#define LOOK_AT_ONCE 500

struct notices {
	struct deployer *d;
	struct chan *chan; /* NULL: to our own queue */
	struct list items;
	size_t window;
	int64_t last; /* sequence number of the last one taken up */
	/* The search for those whose receiver is no more: */
	int64_t before; /* UTC ms, 0: none is under way */
	int64_t looked; /* sequence number of the last one looked at */
	int64_t n_looked, dropped; /* of this second; of this search */
};

struct item {
	struct list node;
	struct notices *n;
	struct chan_item item;
	struct job job;
	char *name; /* of notify: the same name, the same peer, in order */
};

static void item_free(struct item *i)
{
	list_remove(&i->node);
	i->n->window--;
	field_release(&job_table, &i->job);
	free(i->name);
	free(i);
}

/* Someone else has it on disk. */
static void over(struct item *i)
{
	struct notices *n = i->n;

	queue_store_notice_done(n->d->store, i->job.id);
	item_free(i);
	if (n->window < WINDOW / 2)
		notices_pump(n);
}

static void queued(void *ctx)
{
	over(ctx);
}

static void acked(void *ctx, struct chan_item *item)
{
	(void)ctx;
	over(CONTAINER_OF(item, struct item, item));
}

static void nacked(void *ctx, struct chan_item *item, const char *reason)
{
	const struct item *i = CONTAINER_OF(item, struct item, item);
	char safe[256];

	(void)ctx;
	log_limited(LOG_WARN, i->job.id, "the notice is not taken, it is sent "
					 "again later: %s",
		str_safe(str_from(reason), safe, sizeof(safe)));
}

static void take_up(void *ctx, int64_t seq, const struct job *job)
{
	struct notices *n = ctx;
	struct item *i = xcalloc(1, sizeof(*i));
	struct str name;

	n->last = seq;
	n->window++;
	i->n = n;
	list_push_back(&n->items, &i->node);
	field_copy(&job_table, &i->job, job);
	if (!n->chan) {
		intake_own(n->d->intake, &i->job, false, queued, i);
		return;
	}
	free(i->job.generation);
	i->job.generation = xstrdup(n->d->conf->generation);
	i->item.type = MSG_JOB;
	i->item.body = &i->job;
	i->item.credit.lane = TARGET_LANE_HTTP;
	name = str_from(job->trigger + strlen(CONF_NOTIFY));
	i->name = xprintf("%.*s", (int)str_find(name, ':'), name.p);
	i->item.credit.affinity = i->name;
	chan_put(n->chan, &i->item);
}

void notices_pump(struct notices *n)
{
	struct err err;

	if (!n || n->window >= WINDOW || n->d->draining)
		return;
	if (queue_read_notices(queue_store_reader(n->d->store), n->last,
		    (int64_t)(WINDOW - n->window), take_up, n, &err) < 0)
		log_limited(LOG_ERROR, "notices", "cannot be read: %s",
			err.text);
}

/* When its redeploy ended; 0 when it does not say. */
static int64_t time_of(const struct job *job)
{
	struct json *j = job->notice
		? json_parse(str_from(job->notice), NULL, NULL) : NULL;
	const char *text = json_str(json_get(j, "time"));
	int64_t at = 0;

	if (text && str_to_time(str_from(text), &at) < 0)
		at = 0;
	json_free(j);
	return at;
}

static void look(void *ctx, int64_t seq, const struct job *job)
{
	struct notices *n = ctx;

	n->looked = seq;
	n->n_looked++;
	if (conf_notify(n->d->conf, job->trigger) ||
		time_of(job) >= n->before)
		return;
	n->dropped++;
	log_info(job->id, "the notice is dropped: `notify` has nothing of its "
		"name any more");
	metric_add(METRIC_NOTICES_DROPPED, NULL, NULL, 1);
	queue_store_notice_done(n->d->store, job->id);
}

void notices_prune(struct notices *n, int64_t now)
{
	if (!n)
		return;
	n->before = now - ORPHAN_MS;
	n->looked = n->dropped = 0;
}

void notices_tick(struct notices *n)
{
	struct err err;

	if (!n || !n->before || n->d->draining)
		return;
	n->n_looked = 0;
	if (queue_read_notices(queue_store_reader(n->d->store), n->looked,
		    LOOK_AT_ONCE, look, n, &err) < 0)
		log_limited(LOG_ERROR, "notices", "cannot be read: %s",
			err.text);
	if (n->n_looked == LOOK_AT_ONCE)
		return;
	n->before = 0;
	if (n->dropped)
		log_warn(NULL, "%lld notices are dropped: nobody took them for "
			"a day, and `notify` has nothing of their names any "
			"more", (long long)n->dropped);
}

static int open_link(struct notices *n, struct err *err)
{
	static const struct chan_ops ops = {.acked = acked, .nacked = nacked};
	const struct conf_deployer *conf = &n->d->conf->deployer;
	struct chan_config c = {
		.name = "deployer>deployer",
		.sends = true,
		.connect = (const char *const *)conf->notices.v,
		.n_connect = conf->notices.n,
		.role = "deployer",
		.instance = daemon_instance(n->d->daemon),
		.expect_role = "deployer",
		.link = {
			.max_message = MSG_MAX,
			.keys = conf->keys,
			.role = "deployer",
			.plain = n->d->conf->links == LINKS_PLAIN,
		},
	};

	n->chan = chan_open(n->d->loop, &c, &ops, n, err);
	return n->chan ? 0 : -1;
}

struct notices *notices_open(struct deployer *d, struct err *err)
{
	struct notices *n = xcalloc(1, sizeof(*n));

	n->d = d;
	list_init(&n->items);
	if (!target_serves(d->conf, TARGET_LANE_HTTP) &&
		d->conf->deployer.notices.n && open_link(n, err) < 0) {
		notices_close(n);
		return NULL;
	}
	return n;
}

void notices_close(struct notices *n)
{
	if (!n)
		return;
	chan_close(n->chan);
	while (!list_empty(&n->items))
		item_free(CONTAINER_OF(n->items.next, struct item, node));
	free(n);
}
