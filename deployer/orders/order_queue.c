/*
 * The order `queue`: what is open here, for the page:
 *   {"waiting":N,"running":N,"held":N,"more":BOOL,"jobs":[{"job","event",
 *   "trigger","repository","tag","digest","target","lane","state","time",
 *   "enqueued","since","next","attempt","approval","paused","note"}]}
 * Running jobs first, at most JOBS_MAX; more says that there are others.
 * Times are UTC ms; approval: it waits for a person; paused: a person holds it,
 * which is told as held.
 */
#include "deployer/orders/order.h"
#include "deployer/queue/queue_read.h"
#include "deployer/target.h"
#include "proto/base/log.h"

#define JOBS_MAX 200

struct listing {
	struct deployer *d;
	struct json *jobs;
	size_t counts[QUEUE_DONE];
	bool more;
};

static bool needs_approval(const struct queue_job *job,
	const struct conf_trigger *t)
{
	return t && t->approve && !job->approved &&
		job->state == QUEUE_WAITING;
}

static void add_what(struct json *j, const struct job *what)
{
	json_set_str(j, "trigger", what->trigger);
	json_set_str(j, "repository", what->event.repository);
	json_set_str(j, "tag", what->event.tag);
	json_set_str(j, "digest", what->event.digest);
}

static void add_target(struct json *j, const struct listing *l,
	const struct queue_job *job, const struct job *what)
{
	const struct conf_trigger *t = what->trigger
		? conf_trigger(l->d->conf, what->trigger) : NULL;
	struct strbuf name = {0};

	if (t)
		conf_trigger_target(t, &name);
	json_set_str(j, "target", name.len ? strbuf_cstr(&name) : NULL);
	json_set_bool(j, "approval", needs_approval(job, t));
	strbuf_release(&name);
}

static enum queue_state state_of(const struct queue_job *job)
{
	return job->paused && job->state == QUEUE_WAITING ? QUEUE_HELD
							  : job->state;
}

static void add_job(void *ctx, struct queue_job *job)
{
	struct listing *l = ctx;
	struct db *db = queue_store_reader(l->d->store);
	struct strbuf note = {0};
	struct job what = {0};
	struct err err;
	struct json *j;

	l->counts[state_of(job)]++;
	if (json_len(l->jobs) >= JOBS_MAX) {
		l->more = true;
		return;
	}
	j = json_new_object();
	if (queue_read_job(db, job->id, &what, &err) < 0 ||
		queue_read_note(db, job->id, &note, &err) < 0)
		log_limited(LOG_ERROR, job->id, "%s", err.text);
	json_set_str(j, "job", job->id);
	json_set_str(j, "event", job->event);
	add_what(j, &what);
	add_target(j, l, job, &what);
	json_set_str(j, "lane", queue_job_lane(job));
	json_set_str(j, "state", queue_state_words[state_of(job)]);
	json_set_bool(j, "paused", job->paused);
	json_set_i64(j, "time", job->time);
	json_set_i64(j, "enqueued", job->enqueued);
	json_set_i64(j, "since", job->since);
	json_set_i64(j, "next", job->due);
	json_set_i64(j, "attempt", job->attempt);
	json_set_str(j, "note", note.len ? strbuf_cstr(&note) : NULL);
	json_push(l->jobs, j);
	strbuf_release(&note);
	field_release(&job_table, &what);
}

void order_queue(struct deployer *d, struct order *o)
{
	static const enum queue_state order[] = {
		QUEUE_RUNNING, QUEUE_HELD, QUEUE_WAITING};
	struct listing l = {.d = d, .jobs = json_new_array()};
	struct json *body = json_new_object();
	const char **lanes;
	size_t n = target_lanes(d->conf, &lanes);

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		for (size_t k = 0; k < n; k++)
			queue_each(d->queue, lanes[k], order[i], add_job, &l);
	free(lanes);
	for (size_t i = 0; i < ARRAY_LEN(l.counts); i++)
		json_set_i64(body, queue_state_words[i],
			(int64_t)l.counts[i]);
	json_set_bool(body, "more", l.more);
	json_set(body, "jobs", l.jobs);
	order_done(o, body, "%zu open", queue_len(d->queue));
}
