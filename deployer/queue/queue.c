#include "deployer/queue/queue.h"

#include "deployer/queue/queue_inside.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"

const char *const queue_state_words[] = {
	[QUEUE_WAITING] = "waiting",
	[QUEUE_RUNNING] = "running",
	[QUEUE_HELD] = "held",
	[QUEUE_DONE] = "done",
};

/* [from][to]: the only place that says what may follow what. */
static const bool allowed[4][4] = {
	[QUEUE_WAITING] = {[QUEUE_RUNNING] = true, [QUEUE_DONE] = true},
	[QUEUE_RUNNING] = {[QUEUE_WAITING] = true, [QUEUE_HELD] = true,
		[QUEUE_DONE] = true},
	[QUEUE_HELD] = {[QUEUE_WAITING] = true, [QUEUE_DONE] = true},
};

static void set_state(struct queue_job *job, enum queue_state to)
{
	if (!allowed[job->state][to])
		BUG("job %s: %s -> %s", job->id, queue_state_words[job->state],
			queue_state_words[to]);
	job->target->lane->n[job->state]--;
	if (to != QUEUE_DONE)
		job->target->lane->n[to]++;
	job->state = to;
}

/* ---- targets ------------------------------------------------------------------ */

static struct queue_lane *lane_get(struct queue *q, const char *name)
{
	struct queue_lane *lane;

	for (size_t i = 0; i < q->lanes.n; i++)
		if (strcmp(q->lanes.v[i]->name, name) == 0)
			return q->lanes.v[i];
	lane = xcalloc(1, sizeof(*lane));
	lane->name = xstrdup(name);
	VEC_PUSH(&q->lanes, lane);
	return lane;
}

static struct queue_target *target_get(struct queue *q, const char *key,
	const char *lane)
{
	struct queue_target *t = map_get(q->targets, str_from(key));

	if (t)
		return t;
	t = xcalloc(1, sizeof(*t));
	t->key = xstrdup(key);
	list_init(&t->jobs);
	list_init(&t->line);
	t->lane = lane_get(q, lane);
	t->newest_time = -1;
	map_put(q->targets, str_from(key), t);
	return t;
}

/* Is the push older than this one? The order of a target's events. */
static bool older(int64_t time, const char *event, int64_t than_time,
	const char *than_event)
{
	return time != than_time ? time < than_time
				 : strcmp(event, than_event) < 0;
}

static void target_newest(struct queue_target *t, int64_t time,
	const char *event, const char *tag)
{
	if (!older(t->newest_time, t->newest_event, time, event))
		return;
	t->newest_time = time;
	snprintf(t->newest_event, sizeof(t->newest_event), "%s", event);
	free(t->newest_tag);
	t->newest_tag = xstrdup(tag);
}

/* In the queue's line exactly while it has a due job and runs none. */
static void target_turn(struct queue *q, struct queue_target *t)
{
	bool could = !t->running && !list_empty(&t->line);

	if (could && !list_linked(&t->turn))
		list_push_back(&q->turn, &t->turn);
	else if (!could && list_linked(&t->turn))
		list_remove(&t->turn);
}

/* ---- WAITING -------------------------------------------------------------------- */

static void line_up(struct queue *q, struct queue_job *job)
{
	struct list *line = &job->target->line;
	struct list *at = line;

	/* Almost always the last to come; a retry is older than most. */
	if (!list_empty(line) &&
		CONTAINER_OF(line->prev, struct queue_job, ready)->seq >
			job->seq) {
		at = line->next;
		while (CONTAINER_OF(at, struct queue_job, ready)->seq <
			job->seq)
			at = at->next;
	}
	list_insert_before(at, &job->ready);
	target_turn(q, job->target);
}

static void wait_enter(struct queue *q, struct queue_job *job)
{
	queue_heap_push(&q->later, job);
}

static void wait_leave(struct queue *q, struct queue_job *job)
{
	if (job->later)
		queue_heap_remove(&q->later, job);
	if (list_linked(&job->ready))
		list_remove(&job->ready);
	target_turn(q, job->target);
}

/* It came to an end, or back: it did not kill this time. */
static void clear(struct queue *q, struct queue_job *job)
{
	q->suspects -= job->suspect;
	job->suspect = false;
}

static void finish(struct queue *q, struct queue_job *job)
{
	clear(q, job);
	set_state(job, QUEUE_DONE);
	list_remove(&job->node);
	q->n--;
}

/* Ends what waits at a coalescing target and is older than its newest. */
static void coalesce(struct queue *q, struct queue_target *t,
	struct list *ended)
{
	if (!t->coalesce)
		return;
	LIST_EACH(&t->jobs, node) {
		struct queue_job *job =
			CONTAINER_OF(node, struct queue_job, node);

		if (job->state != QUEUE_WAITING ||
			!older(job->time, job->event, t->newest_time,
				t->newest_event))
			continue;
		wait_leave(q, job);
		finish(q, job);
		list_push_back(ended, &job->node);
	}
}

/* ---- verbs ------------------------------------------------------------------------ */

struct queue *queue_new(const struct queue_limits *limits)
{
	struct queue *q = xcalloc(1, sizeof(*q));

	q->targets = map_new();
	q->limits = *limits;
	list_init(&q->turn);
	return q;
}

void queue_job_free(struct queue_job *job)
{
	if (!job)
		return;
	free(job->id);
	free(job);
}

void queue_free(struct queue *q)
{
	struct str key;
	void *value;

	if (!q)
		return;
	for (size_t it = 0; map_next(q->targets, &it, &key, &value);) {
		struct queue_target *t = value;

		LIST_EACH(&t->jobs, node)
			queue_job_free(
				CONTAINER_OF(node, struct queue_job, node));
		free(t->newest_tag);
		free(t->key);
		free(t);
	}
	map_free(q->targets);
	for (size_t i = 0; i < q->lanes.n; i++) {
		free(q->lanes.v[i]->name);
		free(q->lanes.v[i]);
	}
	VEC_RELEASE(&q->lanes);
	queue_heap_release(&q->later);
	free(q);
}

void queue_newest(struct queue *q, const char *target, const char *lane,
	int64_t time, const char *event, const char *tag)
{
	target_newest(target_get(q, target, lane), time, event, tag);
}

void queue_add(struct queue *q, const struct queue_spec *spec,
	struct list *ended)
{
	struct queue_target *t = target_get(q, spec->target, spec->lane);
	struct queue_job *job = xcalloc(1, sizeof(*job));

	t->coalesce = spec->coalesce;
	job->target = t;
	job->id = xstrdup(spec->id);
	snprintf(job->event, sizeof(job->event), "%s", spec->event);
	job->time = spec->time;
	job->enqueued = job->since = spec->enqueued;
	job->due = spec->due;
	job->attempt = spec->attempt;
	job->base = spec->base;
	job->approved = spec->approved;
	job->paused = spec->paused;
	job->forced = spec->forced;
	job->suspect = spec->crashes > 0 && !spec->coalesce;
	q->suspects += job->suspect;
	job->seq = ++q->seq;
	job->state = spec->held ? QUEUE_HELD : QUEUE_WAITING;
	t->lane->n[job->state]++;
	list_push_back(&t->jobs, &job->node);
	q->n++;
	if (!spec->held)
		wait_enter(q, job);
	if (spec->coalesce)
		target_newest(t, spec->time, spec->event, spec->tag);
	coalesce(q, t, ended);
}

void queue_open(struct queue *q, const char *lane, bool open)
{
	lane_get(q, lane)->open = open;
}

/* While there are suspects, deliveries run one at a time: so the next death
 * counts for one job alone. */
static bool has_room(const struct queue *q, const struct queue_target *t)
{
	if (q->suspects && !t->coalesce)
		return q->running[0] == 0;
	return q->running[t->coalesce] <
		(t->coalesce ? q->limits.coalescing : q->limits.others);
}

struct queue_job *queue_next(struct queue *q, int64_t now)
{
	struct queue_job *due;

	while ((due = queue_heap_top(&q->later)) && due->due <= now) {
		queue_heap_remove(&q->later, due);
		line_up(q, due);
	}
	LIST_EACH(&q->turn, node) {
		struct queue_target *t =
			CONTAINER_OF(node, struct queue_target, turn);
		struct queue_job *job;

		if (!t->lane->open || !has_room(q, t))
			continue;
		job = CONTAINER_OF(t->line.next, struct queue_job, ready);
		/* One at a time for a target; a mutation, as queue.final. */
		t->running = !FAIL_POINT("queue.target");
		q->running[t->coalesce]++;
		wait_leave(q, job);
		set_state(job, QUEUE_RUNNING);
		return job;
	}
	return NULL;
}

int64_t queue_next_time(const struct queue *q)
{
	const struct queue_job *job = queue_heap_top(&q->later);

	return job ? job->due : INT64_MAX;
}

static void run_leave(struct queue *q, struct queue_target *t)
{
	t->running = false;
	q->running[t->coalesce]--;
	target_turn(q, t);
}

void queue_retry(struct queue *q, struct queue_job *job, int64_t due,
	int64_t now, struct list *ended)
{
	set_state(job, QUEUE_WAITING);
	run_leave(q, job->target);
	clear(q, job);
	job->since = now;
	job->due = due;
	wait_enter(q, job);
	coalesce(q, job->target, ended);
}

void queue_hold(struct queue *q, struct queue_job *job)
{
	set_state(job, QUEUE_HELD);
	run_leave(q, job->target);
}

void queue_release(struct queue *q, struct queue_job *job, struct list *ended)
{
	set_state(job, QUEUE_WAITING);
	wait_enter(q, job);
	coalesce(q, job->target, ended);
}

void queue_hurry(struct queue *q, struct queue_job *job, int64_t now)
{
	wait_leave(q, job);
	job->due = now;
	wait_enter(q, job);
}

void queue_absolve(struct queue *q, struct queue_job *job)
{
	clear(q, job);
}

void queue_set_back(struct queue *q, int64_t by)
{
	queue_heap_shift(&q->later, -by);
}

void queue_end(struct queue *q, struct queue_job *job)
{
	if (job->state == QUEUE_RUNNING)
		run_leave(q, job->target);
	else if (job->state == QUEUE_WAITING)
		wait_leave(q, job);
	finish(q, job);
}
