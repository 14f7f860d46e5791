/*
 * Jobs that this process did not survive. What was running when it died is
 * counted on disk; an end of an attempt, or a stop that was asked for, clears
 * the count. A job with five is not run again: it ends `failed`, with a row
 * that says so. Jobs whose copy in the queue is damaged end so, too.
 */
#ifndef DEPLOYER_CRASHED_H
#define DEPLOYER_CRASHED_H

#include "deployer/deployer.h"

#define CRASHED_MAX 5
#define CRASHED_QUICK_MS 2000
#define CRASHED_SUSPECTS 64 /* as many as may be posted at once */

/* At the start, before the queue is read. 0 or -1. */
int crashed_count(struct deployer *d, struct err *err);
/* A job that is taken up: after a death, those that may have been running are
 * suspects, also when there was no time to write that they were. */
void crashed_suspect(struct deployer *d, struct queue_spec *spec);
/* Every second: one that has run for CRASHED_QUICK_MS holds nobody up. */
void crashed_tick(struct deployer *d);
/* Asked to stop: what is cut off now is no crash. */
void crashed_forgive(struct deployer *d);
/* The jobs of this lane that were cut off are being recovered. */
void crashed_recovering(struct deployer *d, const char *lane);

/* Of a job read at the start; job is NULL when damage says what is wrong with
 * it. true: it has ended. */
bool crashed_end(struct deployer *d, const struct queue_spec *spec,
	const struct job *job, const char *damage);

#endif
