/*
 * `newer_only` among jobs that wait: coalescing goes by time, but a lower
 * version that comes later must not take the place of a higher one that waits
 * for its window or an approval.
 */
#ifndef DEPLOYER_RANK_H
#define DEPLOYER_RANK_H

#include "deployer/deployer.h"

/* Does a higher version of the job's trigger wait at the target (its key)?
 * Then *row is the job's final row, `superseded`. */
bool rank_below(struct deployer *d, const struct job *job, const char *target,
	int64_t now, struct record *row);

#endif
