/*
 * Since when has each task been seen to run? By our own monotonic clock, from
 * one look to the next: the times that tasks tell are those of the nodes that
 * run them, which need not agree with each other nor with ours. Begins anew
 * with each process.
 */
#ifndef DEPLOYER_SWARM_SINCE_H
#define DEPLOYER_SWARM_SINCE_H

#include "proto/data/json.h"

struct swarm_since;

struct swarm_since *swarm_since_new(void) MUST_CHECK;
void swarm_since_free(struct swarm_since *s); /* NULL is fine */

/* A look at all tasks, at that time (ms); those that are not in it, or do not
 * run, are forgotten. */
void swarm_since_see(struct swarm_since *s, const struct json *tasks,
	int64_t now);
/* How long it had run at the last look, ms; 0 of one that does not. */
int64_t swarm_since_up(const struct swarm_since *s, const struct json *task);

#endif
