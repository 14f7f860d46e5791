/*
 * The inside of queue.h, for queue.c (what changes) and queue_look.c (what is
 * asked). For nobody else.
 */
#ifndef DEPLOYER_QUEUE_INSIDE_H
#define DEPLOYER_QUEUE_INSIDE_H

#include "deployer/queue/queue.h"
#include "deployer/queue/queue_heap.h"
#include "proto/base/map.h"

struct queue_lane {
	char *name;
	bool open;
	size_t n[QUEUE_DONE]; /* jobs in each state */
};

struct queue_target {
	struct list turn; /* in the queue's line while it could run a job */
	struct list jobs; /* all that are not DONE, in order of arrival */
	struct list line; /* WAITING and due, in order of arrival */
	struct queue_lane *lane;
	char *key;
	bool coalesce;
	bool running;
	int64_t newest_time; /* newest push ever taken in; -1: none */
	char newest_event[UID_LEN];
	char *newest_tag;
};

struct queue {
	struct map *targets; /* key -> struct queue_target */
	VEC(struct queue_lane *) lanes;
	struct list turn; /* targets, the one served longest ago first */
	struct queue_heap later;
	struct queue_limits limits;
	size_t running[2]; /* [coalesce] */
	size_t suspects; /* deliveries */
	size_t n;
	uint64_t seq;
};

#endif
