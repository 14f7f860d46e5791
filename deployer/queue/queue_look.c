/* Questions to the queue; nothing changes. */
#include "deployer/queue/queue_inside.h"

struct queue_job *queue_find(struct queue *q, const char *id)
{
	struct str key;
	void *value;

	for (size_t it = 0; map_next(q->targets, &it, &key, &value);) {
		struct queue_target *t = value;

		LIST_EACH(&t->jobs, node) {
			struct queue_job *job =
				CONTAINER_OF(node, struct queue_job, node);

			if (strcmp(job->id, id) == 0)
				return job;
		}
	}
	return NULL;
}

void queue_each(struct queue *q, const char *lane, enum queue_state state,
	void (*fn)(void *ctx, struct queue_job *job), void *ctx)
{
	VEC(struct queue_job *) found = {0};
	struct str key;
	void *value;

	for (size_t it = 0; map_next(q->targets, &it, &key, &value);) {
		struct queue_target *t = value;

		if (strcmp(t->lane->name, lane) != 0)
			continue;
		LIST_EACH(&t->jobs, node) {
			struct queue_job *job =
				CONTAINER_OF(node, struct queue_job, node);

			if (job->state == state)
				VEC_PUSH(&found, job);
		}
	}
	for (size_t i = 0; i < found.n; i++)
		fn(ctx, found.v[i]);
	VEC_RELEASE(&found);
}

bool queue_count(const struct queue *q, size_t i, const char **lane,
	size_t n[QUEUE_DONE])
{
	if (i >= q->lanes.n)
		return false;
	*lane = q->lanes.v[i]->name;
	memcpy(n, q->lanes.v[i]->n, sizeof(q->lanes.v[i]->n));
	return true;
}

void queue_target_each(struct queue *q, const char *target,
	enum queue_state state, void (*fn)(void *ctx, struct queue_job *job),
	void *ctx)
{
	struct queue_target *t = map_get(q->targets, str_from(target));

	if (!t)
		return;
	LIST_EACH(&t->jobs, node) {
		struct queue_job *job =
			CONTAINER_OF(node, struct queue_job, node);

		if (job->state == state)
			fn(ctx, job);
	}
}

size_t queue_len(const struct queue *q)
{
	return q->n;
}

size_t queue_running(const struct queue *q)
{
	return q->running[0] + q->running[1];
}

const char *queue_job_lane(const struct queue_job *job)
{
	return job->target->lane->name;
}

const char *queue_job_target(const struct queue_job *job)
{
	return job->target->key;
}

const char *queue_newest_event(const struct queue_job *job)
{
	return job->target->newest_event;
}

const char *queue_newest_tag(const struct queue_job *job)
{
	return job->target->newest_tag;
}
