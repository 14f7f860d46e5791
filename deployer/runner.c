#include "deployer/runner.h"

#include "deployer/attempt.h"
#include "deployer/registry/confirm.h"
#include "deployer/deploy.h"
#include "deployer/engine.h"
#include "deployer/queue/gate.h"
#include "deployer/http/notify.h"
#include "deployer/queue/queue_read.h"
#include "deployer/results.h"
#include "deployer/target.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* An alarm at most so far away: a stepped clock is noticed. */
#define ASK_AGAIN_MS 60000
#define LAST_AGAIN_MS 1000

/* ---- superseded -------------------------------------------------------------- */

struct ending {
	struct deployer *d;
	struct queue_job *job;
};

static void ending_written(void *ctx)
{
	struct ending *e = ctx;

	results_pump(e->d->results);
	queue_job_free(e->job);
	free(e);
}

static void superseded_row(struct deployer *d, const struct queue_job *job,
	const struct job *what, struct record *row)
{
	struct err err;
	struct row_times times = {
		.event = job->time,
		.enqueued = job->enqueued,
		.ended = clock_wall(),
	};

	row_init(row, what, target_find(d->conf, what, &err), job->attempt,
		"superseded", times.ended);
	/* Of one that is tried again, the final row was the one before. */
	row->final = job->base == 0;
	row_durations(row, &times);
	record_reason(row, "a newer push of tag %s took its place (event %s)",
		queue_newest_tag(job), queue_newest_event(job));
}

static void end_superseded(struct deployer *d, struct list *ended)
{
	struct list *node;

	while ((node = list_pop_front(ended))) {
		struct queue_job *job =
			CONTAINER_OF(node, struct queue_job, node);
		struct queue_store_change c = {.id = job->id,
			.state = QUEUE_DONE, .attempt = job->attempt,
			.now = clock_wall()};
		struct job what = {0};
		struct record row;
		struct ending *e;
		struct err err;

		if (queue_read_job(queue_store_reader(d->store), job->id,
			    &what, &err) < 0) {
			log_limited(LOG_ERROR, job->id, "not yet ended: %s",
				err.text);
			list_push_back(&d->unended, &job->node);
			continue;
		}
		superseded_row(d, job, &what, &row);
		field_release(&job_table, &what);
		c.row = &row;
		e = xcalloc(1, sizeof(*e));
		e->d = d;
		e->job = job;
		queue_store_change(d->store, &c, ending_written, e);
	}
}

void runner_tick(struct deployer *d)
{
	struct list again, *node;

	list_init(&again);
	while ((node = list_pop_front(&d->unended)))
		list_push_back(&again, node);
	end_superseded(d, &again);
}

void runner_forget(struct deployer *d)
{
	struct list *node;

	while ((node = list_pop_front(&d->unended)))
		queue_job_free(CONTAINER_OF(node, struct queue_job, node));
}

/* ---- in and out ------------------------------------------------------------------ */

void runner_add(struct deployer *d, const struct queue_spec *spec)
{
	struct list ended;

	list_init(&ended);
	queue_add(d->queue, spec, &ended);
	end_superseded(d, &ended);
	engine_tell_waiting(d, spec->lane);
	runner_kick(d);
}

void runner_again(struct deployer *d, struct queue_job *job, int64_t due)
{
	struct list ended;

	list_init(&ended);
	queue_retry(d->queue, job, due, clock_wall(), &ended);
	end_superseded(d, &ended);
}

void runner_release(struct deployer *d, struct queue_job *job)
{
	struct list ended;

	list_init(&ended);
	queue_release(d->queue, job, &ended);
	end_superseded(d, &ended);
}

static int64_t look_at(int64_t due, int64_t now)
{
	return due > 0 && due < now + GATE_LOOK_MS ? due : now + GATE_LOOK_MS;
}

/* What was done last cannot be read: nothing that depends on it is done. */
static int read_last(struct attempt *a, struct queue_last *last)
{
	struct err err;

	if (!a->trigger->newer_only && !a->trigger->digest_changed)
		return 0;
	if (queue_read_last(queue_store_reader(a->d->store), a->trigger->name,
		    queue_job_target(a->job), last, &err) == 0)
		return 0;
	log_limited(LOG_ERROR, "last", "what was done last cannot be read: %s",
		err.text);
	return -1;
}

static enum gate_answer ask(struct attempt *a, int64_t *due,
	struct strbuf *why)
{
	struct queue_last last = {0};
	struct gate_facts facts = {
		.now = a->started,
		.enqueued = a->job->enqueued,
		.approved = a->job->approved,
		.paused = a->job->paused,
		.forced = a->job->forced,
		.opens = conf_window_next(a->conf, a->trigger, a->started),
		.ordered = attempt_is_ordered(a) || a->job->forced,
	};
	enum gate_answer answer;

	if (read_last(a, &last) < 0) {
		strbuf_add_cstr(why, "what was done last cannot be read");
		*due = a->started + LAST_AGAIN_MS;
		return GATE_WAIT;
	}
	facts.last = (struct gate_last){.tag = last.tag, .digest = last.digest,
		.version = last.version, .time = last.time};
	answer = gate_ask(a->trigger, &a->what, &facts, due, why);
	queue_last_release(&last);
	return answer;
}

/* true: not now, or not at all; the attempt is over. */
static bool stopped(struct attempt *a)
{
	struct strbuf why = {0};
	struct record row, *told = NULL;
	int64_t due = 0;
	enum gate_answer answer = ask(a, &due, &why);

	if (answer != GATE_GO && (answer != GATE_WAIT || !a->job->told)) {
		attempt_row(a, &row, gate_status(answer), NULL);
		record_reason(&row, "%s", strbuf_cstr(&why));
		row.next_attempt = due;
		told = &row;
	}
	if (answer == GATE_WAIT)
		attempt_wait(a, told, look_at(due, a->started),
			strbuf_cstr(&why));
	else if (answer != GATE_GO)
		attempt_end(a, told);
	strbuf_release(&why);
	return answer != GATE_GO;
}

static void start(struct deployer *d, struct queue_job *job)
{
	struct attempt *a = attempt_begin(d, job);

	if (!a || stopped(a))
		return;
	if (a->trigger->url && confirm_needed(a))
		confirm_start(a);
	else if (a->trigger->url)
		notify_start(d->notify, a);
	else
		deploy_start(a);
}

static void on_due(void *ctx)
{
	struct deployer *d = ctx;

	d->next = NULL;
	runner_kick(d);
}

void runner_kick(struct deployer *d)
{
	struct queue_job *job;
	int64_t now = clock_wall(), next;

	if (d->draining)
		return;
	while ((job = queue_next(d->queue, now)))
		start(d, job);
	loop_timer_cancel(&d->next);
	next = queue_next_time(d->queue);
	if (next == INT64_MAX)
		return;
	next = next > now ? next - now : 1;
	d->next = loop_timer_start(d->loop,
		next < ASK_AGAIN_MS ? next : ASK_AGAIN_MS, 0, on_due, d);
}
