/*
 * The queue's jobs that are not due yet: a binary heap, the earliest due on
 * top, of the equally due the one that came first. A job knows its place in
 * it (later), so that it can be taken out from the middle. All-zero is empty.
 */
#ifndef DEPLOYER_QUEUE_HEAP_H
#define DEPLOYER_QUEUE_HEAP_H

#include "deployer/queue/queue.h"
#include "proto/base/vec.h"

struct queue_heap {
	VEC(struct queue_job *) jobs;
};

void queue_heap_push(struct queue_heap *h, struct queue_job *job);
void queue_heap_remove(struct queue_heap *h, struct queue_job *job);
/* NULL when empty. */
struct queue_job *queue_heap_top(const struct queue_heap *h);
/* All are due by so many ms later, or sooner. */
void queue_heap_shift(struct queue_heap *h, int64_t by);
void queue_heap_release(struct queue_heap *h); /* jobs stay the owner's */

#endif
