#include "matcher/work.h"

#include "matcher/work_inside.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/metrics.h"
#include "proto/base/uid.h"

#define TICK_MS 500
#define HOLD_MS 3000
#define TASK_MS 10000
#define SILENT_MS 3000
#define BUSY_MS 5000
#define DRAIN_MS 5000
#define BAD_EVENT_DELAY_MS 60000

/* How long no deployer has served the lane, ms. */
static int64_t lane_away(struct work *w, const char *lane, int64_t now)
{
	return outage_note(
		&w->lanes, lane, chan_has_lane(w->out, lane), now);
}

/* ---- a task's end -------------------------------------------------------- */

static void end_task(struct work *w, struct task *t)
{
	if (t->missed[0] != '\0') {
		chan_nack(w->in, &t->from, t->delay, t->missed);
		metric_add(METRIC_RETURNED, NULL, NULL, 1);
	} else {
		chan_ack(w->in, &t->from);
	}
	map_del(w->by_event, str_from(t->event.id));
	list_remove(&t->node);
	task_free(t);
	if (w->draining && list_empty(&w->tasks))
		w->drained(w->ctx);
}

static void settle(void *ctx, struct task *t)
{
	if (t->left == 0)
		end_task(ctx, t);
}

/* ---- jobs ---------------------------------------------------------------- */

static void job_acked(void *ctx, struct chan_item *item)
{
	struct work *w = ctx;
	struct task_job *j = CONTAINER_OF(item, struct task_job, item);

	task_close_job(j->task, j);
	settle(w, j->task);
}

static void job_nacked(void *ctx, struct chan_item *item, const char *reason)
{
	struct task_job *j = CONTAINER_OF(item, struct task_job, item);

	(void)ctx;
	snprintf(j->refusal, sizeof(j->refusal), "%s",
		reason != NULL ? reason : "");
}

/* Gives the job up for now: the event will come again. */
static void give_up(struct work *w, struct task_job *j, int64_t delay,
	const char *why)
{
	task_miss(j->task, delay, "%s", why);
	rows_put_waiting(w->rows, j, why);
	chan_remove(w->out, &j->item);
	task_close_job(j->task, j);
}

static void check_job(struct work *w, struct task_job *j, int64_t now)
{
	const char *lane = j->rule->lane;
	int64_t away = lane_away(w, lane, now);
	char why[512];

	if (away > w->limits.hold_ms) {
		snprintf(why, sizeof(why), "no deployer serves lane `%s`: the "
			"push waits until one is started", lane);
		give_up(w, j, outage_delay(away), why);
	} else if (now >= j->task->deadline) {
		snprintf(why, sizeof(why),
			"the deployer of lane `%s` does not take the job: %s",
			lane, j->refusal[0] != '\0' ? j->refusal
			: j->item.credit.tries == 0 ? "it has no room for more"
						    : "no answer");
		give_up(w, j, w->limits.busy_ms, why);
	}
}

/* ---- events -------------------------------------------------------------- */

static const char *const verdict_words[] = {
	[RULE_MATCHED] = "matched",
	[RULE_UNTRIGGERED] = "untriggered",
	[RULE_ERROR] = "expression_error",
	[RULE_NO_TRIGGER] = "no_trigger",
};

static void start_task(struct work *w, struct task *t)
{
	int64_t now = clock_mono();
	const char *missing = labels_missing(w->labels);

	t->left++; /* held until all is under way */
	if (missing != NULL)
		task_miss(t, outage_delay(lane_away(w, missing, now)),
			"no deployer has told yet which labels the containers "
			"of engine `%s` have", missing);
	for (size_t i = 0; i < t->results.n; i++) {
		enum rule_verdict verdict = t->results.v[i].verdict;

		if (verdict == RULE_NO_TRIGGER && missing != NULL)
			continue; /* it may be a container's */
		metric_add(METRIC_VERDICTS, verdict_words[verdict], NULL, 1);
		if (verdict != RULE_MATCHED)
			rows_put(w->rows, t, &t->results.v[i]);
	}
	for (size_t i = 0; i < t->n_jobs; i++) {
		task_open_job(t, &t->jobs[i]);
		chan_put(w->out, &t->jobs[i].item);
		check_job(w, &t->jobs[i], now);
	}
	t->left--;
	settle(w, t);
}

static void take_event(
	void *ctx, const struct chan_from *from, const struct msg *msg)
{
	const struct event *e = &msg->u.event;
	struct work *w = ctx;
	struct task *t;

	if (msg->type != MSG_EVENT || !uid_valid(e->id)) {
		log_limited(LOG_ERROR, "bad-event",
			"ingress sent what is no event; it is sent back");
		chan_nack(w->in, from, BAD_EVENT_DELAY_MS, "no event");
		return;
	}
	t = map_get(w->by_event, str_from(e->id));
	if (t != NULL) {
		/* Leased anew while under way: the newest lease counts. The
		 * old one is answered, in case its session still goes on. */
		chan_nack(w->in, &t->from, 0, "leased anew");
		t->from = *from;
		return;
	}
	metric_add(METRIC_EVALUATED, NULL, NULL, 1);
	(void)FAIL_POINT_OF("matcher.tag", e->tag);
	t = task_new(e, w->rules, labels_rules(w->labels), from,
		clock_mono() + w->limits.task_ms);
	list_push_back(&w->tasks, &t->node);
	map_put(w->by_event, str_from(t->event.id), t);
	start_task(w, t);
}

static void take_triggers(void *ctx, const struct chan_peer *peer,
	const struct msg_triggers *t)
{
	struct work *w = ctx;

	for (size_t i = 0; i < peer->lanes->n; i++)
		if (strcmp(peer->lanes->v[i], t->engine) == 0)
			labels_take(w->labels, t->engine, t->set);
}

static void check_task(struct work *w, struct task *t, int64_t now)
{
	int64_t away = rows_away(w->rows, now);

	t->left++; /* held: check_job() may close the last one */
	for (size_t i = 0; i < t->n_jobs; i++)
		if (t->jobs[i].open)
			check_job(w, &t->jobs[i], now);
	t->left--;
	if (!list_empty(&t->rows) && (away > 0 || now >= t->deadline)) {
		task_miss(t, outage_delay(away),
			"no logger takes the rows of this event");
		rows_give_up(t);
	}
	settle(w, t);
}

static void note_lanes(
	struct work *w, const struct ruleset *rules, int64_t now)
{
	for (size_t i = 0; i < rules->n_lanes; i++)
		lane_away(w, rules->lanes[i], now);
}

static void check_tasks(void *ctx)
{
	struct work *w = ctx;
	int64_t now = clock_mono();

	note_lanes(w, w->rules, now);
	note_lanes(w, labels_rules(w->labels), now);
	LIST_EACH(&w->tasks, node)
		check_task(w, CONTAINER_OF(node, struct task, node), now);
}

/* ---- life ---------------------------------------------------------------- */

static struct chan *open_chan(struct work *w, const struct work_config *c,
	const char *name, bool sends, const struct opt_strs *to,
	const char *role, struct err *err)
{
	static const struct chan_ops in = {.deliver = take_event};
	static const struct chan_ops out = {
		.acked = job_acked, .nacked = job_nacked,
		.triggers = take_triggers};
	struct chan_config config = {
		.name = name,
		.sends = sends,
		.connect = (const char *const *)to->v,
		.n_connect = to->n,
		.role = "matcher",
		.instance = c->instance,
		.window = c->conf->matcher.window,
		.expect_role = role,
		.link = {.keys = c->conf->matcher.keys, .role = "matcher",
			.plain = c->conf->links == LINKS_PLAIN},
	};

	return chan_open(w->loop, &config, sends ? &out : &in, w, err);
}

static int open_links(
	struct work *w, const struct work_config *c, struct err *err)
{
	const struct conf_matcher *m = &c->conf->matcher;
	struct outbox_config rows = {
		.role = "matcher",
		.instance = c->instance,
		.logger = (const char *const *)m->logger.v,
		.n_logger = m->logger.n,
		.link = {.keys = m->keys, .role = "matcher",
			.plain = c->conf->links == LINKS_PLAIN},
	};

	w->rows = rows_open(w->loop, &rows, w->limits.silent_ms, settle, w,
		err);
	if (w->rows == NULL)
		return -1;
	w->out = open_chan(w, c, "matcher>deployer", true, &m->deployer,
		"deployer", err);
	if (w->out == NULL)
		return -1;
	/* Last: from here events come. */
	w->in = open_chan(w, c, "ingress>matcher", false, &m->ingress,
		"ingress", err);
	return w->in != NULL ? 0 : -1;
}

static int64_t or_default(int64_t value, int64_t fallback)
{
	return value > 0 ? value : fallback;
}

struct work *work_open(struct loop *l, const struct work_config *c,
	struct ruleset *rules, struct err *err)
{
	struct work *w = xcalloc(1, sizeof(*w));

	w->loop = l;
	w->rules = rules;
	w->limits = (struct work_limits){
		.hold_ms = or_default(c->limits.hold_ms, HOLD_MS),
		.task_ms = or_default(c->limits.task_ms, TASK_MS),
		.silent_ms = or_default(c->limits.silent_ms, SILENT_MS),
		.busy_ms = or_default(c->limits.busy_ms, BUSY_MS),
	};
	w->drained = c->drained;
	w->ctx = c->ctx;
	list_init(&w->tasks);
	w->by_event = map_new();
	w->labels = labels_new(c->conf);
	if (open_links(w, c, err) < 0) {
		work_close(w);
		return NULL;
	}
	w->tick = loop_timer_start(l, TICK_MS, TICK_MS, check_tasks, w);
	return w;
}

static void free_task(struct work *w, struct task *t)
{
	for (size_t i = 0; i < t->n_jobs; i++) {
		if (!t->jobs[i].open)
			continue;
		chan_remove(w->out, &t->jobs[i].item);
		task_close_job(t, &t->jobs[i]);
	}
	task_free(t);
}

void work_close(struct work *w)
{
	struct list *node;

	loop_timer_cancel(&w->tick);
	rows_close(w->rows);
	while ((node = list_pop_front(&w->tasks)) != NULL)
		free_task(w, CONTAINER_OF(node, struct task, node));
	map_free(w->by_event);
	if (w->in != NULL)
		chan_close(w->in);
	if (w->out != NULL)
		chan_close(w->out);
	outages_release(&w->lanes);
	labels_free(w->labels);
	ruleset_unref(w->rules);
	free(w);
}

void work_set_rules(struct work *w, const struct conf *conf,
	struct ruleset *rules)
{
	labels_set_conf(w->labels, conf);
	ruleset_unref(w->rules);
	w->rules = rules;
}

void work_drain(struct work *w)
{
	int64_t end = clock_mono() + DRAIN_MS;

	w->draining = true;
	chan_pause(w->in, true);
	if (list_empty(&w->tasks))
		w->drained(w->ctx);
	LIST_EACH(&w->tasks, node) {
		struct task *t = CONTAINER_OF(node, struct task, node);

		if (t->deadline > end)
			t->deadline = end;
	}
}

void work_send_status(struct work *w, const struct msg_status *s)
{
	rows_send_status(w->rows, s);
}
