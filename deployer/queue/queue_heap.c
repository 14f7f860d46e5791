#include "deployer/queue/queue_heap.h"

static bool sooner(const struct queue_job *a, const struct queue_job *b)
{
	return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static void place(struct queue_heap *h, size_t i, struct queue_job *job)
{
	h->jobs.v[i] = job;
	job->later = i + 1;
}

static void up(struct queue_heap *h, size_t i)
{
	struct queue_job *job = h->jobs.v[i];

	for (; i > 0 && sooner(job, h->jobs.v[(i - 1) / 2]); i = (i - 1) / 2)
		place(h, i, h->jobs.v[(i - 1) / 2]);
	place(h, i, job);
}

static void down(struct queue_heap *h, size_t i)
{
	struct queue_job *job = h->jobs.v[i];
	size_t child;

	for (; (child = 2 * i + 1) < h->jobs.n; i = child) {
		if (child + 1 < h->jobs.n &&
			sooner(h->jobs.v[child + 1], h->jobs.v[child]))
			child++;
		if (sooner(job, h->jobs.v[child]))
			break;
		place(h, i, h->jobs.v[child]);
	}
	place(h, i, job);
}

void queue_heap_push(struct queue_heap *h, struct queue_job *job)
{
	VEC_PUSH(&h->jobs, job);
	up(h, h->jobs.n - 1);
}

void queue_heap_remove(struct queue_heap *h, struct queue_job *job)
{
	size_t i = job->later - 1;
	struct queue_job *last = h->jobs.v[--h->jobs.n];

	job->later = 0;
	if (last == job)
		return;
	place(h, i, last);
	up(h, i);
	down(h, last->later - 1);
}

struct queue_job *queue_heap_top(const struct queue_heap *h)
{
	return h->jobs.n ? h->jobs.v[0] : NULL;
}

void queue_heap_shift(struct queue_heap *h, int64_t by)
{
	for (size_t i = 0; i < h->jobs.n; i++)
		h->jobs.v[i]->due += by;
}

void queue_heap_release(struct queue_heap *h)
{
	VEC_RELEASE(&h->jobs);
}
