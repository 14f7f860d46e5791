/*
 * Since when is somebody missing, and how long should what needs them rest?
 * Pure: whether they are there and the time are passed in.
 */
#ifndef MATCHER_OUTAGE_H
#define MATCHER_OUTAGE_H

#include "proto/base/vec.h"

struct outage {
	char *name;
	int64_t since; /* mono ms; while away */
	bool away;
};

/* All-zero is empty: everybody is there. */
struct outages {
	struct outage *v;
	size_t n, cap;
};

/* Notes whether name is there and returns how long it has been away, ms; 0
 * when it is there. The first call that finds it away starts the count. */
int64_t outage_note(struct outages *o, const char *name, bool there,
	int64_t now);
void outages_release(struct outages *o);

/* How long to wait before asking again after so long an absence: soon at
 * first, seldom later, so that a long one costs little. */
int64_t outage_delay(int64_t away_ms);

#endif
