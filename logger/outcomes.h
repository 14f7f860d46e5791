/*
 * How triggers ended over time: the final rows of each hour, counted by
 * trigger and status. The store is asked on a thread of its own, while
 * somebody looks at it; who asks gets what was counted last and waits for
 * nothing but the first time, and then not for long. Thread-safe.
 */
#ifndef LOGGER_OUTCOMES_H
#define LOGGER_OUTCOMES_H

#include "logger/store.h"

#define OUTCOMES_HOURS 168 /* that are kept */
#define OUTCOMES_HOUR_MS ((int64_t)3600 * 1000)

struct outcomes;

struct outcomes *outcomes_start(struct store *s) MUST_CHECK;
void outcomes_stop(struct outcomes *o); /* NULL is fine */

/* The last hours (at most OUTCOMES_HOURS) as of now (UTC ms): fn for each
 * trigger (NULL: none), status and hour that has rows. Returns whether each
 * hour has been counted. */
bool outcomes_each(struct outcomes *o, size_t hours, int64_t now,
	void (*fn)(void *ctx, const char *trigger, const char *status,
		int64_t hour, int64_t n),
	void *ctx);

#endif
