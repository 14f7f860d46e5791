#include "deployer/queue/rank.h"

#include "deployer/queue/queue_read.h"
#include "deployer/row.h"
#include "deployer/queue/version.h"

struct ranking {
	struct deployer *d;
	const struct job *job;
	struct record *row;
	int64_t now;
	bool below;
};

static bool is_higher(const struct job *other, const struct job *job)
{
	int order;

	return strcmp(other->trigger, job->trigger) == 0 && other->version &&
		version_compare(other->version, job->version, &order) == 0 &&
		order > 0;
}

static void compare(void *ctx, struct queue_job *waiting)
{
	struct ranking *r = ctx;
	struct job other = {0};
	struct err err;

	if (r->below || queue_read_job(queue_store_reader(r->d->store),
				waiting->id, &other, &err) < 0)
		return;
	if (is_higher(&other, r->job)) {
		r->below = true;
		row_init(r->row, r->job,
			conf_trigger(r->d->conf, r->job->trigger), 0,
			"superseded", r->now);
		r->row->final = true;
		record_reason(r->row, "tag %s, which waits here (event %s), "
			"is a higher version", other.event.tag, other.event.id);
	}
	field_release(&job_table, &other);
}

bool rank_below(struct deployer *d, const struct job *job, const char *target,
	int64_t now, struct record *row)
{
	const struct conf_trigger *t = conf_trigger(d->conf, job->trigger);
	struct ranking r = {.d = d, .job = job, .row = row, .now = now};

	if (t && t->newer_only && job->version)
		queue_target_each(d->queue, target, QUEUE_WAITING, compare,
			&r);
	return r.below;
}
