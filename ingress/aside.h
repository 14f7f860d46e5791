/*
 * Events that were set aside: refused by matchers (their lane is away, a
 * logger is away) while others waited on disk for a place in memory. They are
 * pending in the spool and nowhere else; this remembers which, and when they
 * may come back. Sixteen bytes each, first in, first out. Pure; time is passed
 * in. All-zero is empty.
 */
#ifndef INGRESS_ASIDE_H
#define INGRESS_ASIDE_H

#include "proto/base/vec.h"

struct aside_entry {
	int64_t seq;
	int64_t due; /* mono ms; never less than that of an earlier entry */
};

struct aside {
	VEC(struct aside_entry) entries;
	size_t first; /* those before it have come back */
};

void aside_add(struct aside *a, int64_t seq, int64_t due);
/* The first that is due by now, or 0; it stays until aside_pop(). */
int64_t aside_due(const struct aside *a, int64_t now);
void aside_pop(struct aside *a);
size_t aside_len(const struct aside *a);
void aside_release(struct aside *a);

#endif
