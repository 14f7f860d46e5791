/* What the tests of the queue share: its limits, and a queue of two lanes. */
#ifndef TESTS_UNIT_DEPLOYER_QUEUE_RIG_H
#define TESTS_UNIT_DEPLOYER_QUEUE_RIG_H

#include "deployer/queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct queue_limits limits = {.coalescing = 2, .others = 3};

static inline struct queue *queue_make(void)
{
	struct queue *q = queue_new(&limits);

	queue_open(q, "http", true);
	queue_open(q, "local", true);
	return q;
}

static inline void end(struct queue *q, struct queue_job *job)
{
	queue_end(q, job);
	queue_job_free(job);
}

#endif
