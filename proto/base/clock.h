/*
 * The only place that asks the system for the time. Monotonic ms for
 * intervals, wall ms (UTC, epoch) for what people read. PULLWIRE_WALL_OFFSET
 * (ms) in the environment steps the wall clock, in builds with failure points.
 */
#ifndef PROTO_BASE_CLOCK_H
#define PROTO_BASE_CLOCK_H

#include "proto/base/base.h"

int64_t clock_mono(void); /* ms */
int64_t clock_us(void);   /* the same clock, us */
int64_t clock_wall(void); /* ms since 1970-01-01 UTC */
/* Blocks the calling thread; worker threads only. */
void clock_sleep(int64_t ms);

#endif
