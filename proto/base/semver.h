/*
 * Versions and ranges of versions. Pure. A version is Semantic Versioning
 * 2.0.0 (semver.org), a leading `v` allowed; build metadata is accepted and
 * has no part in the order. Ranges are those of npm (node-semver's README):
 * `>=1.4 <2`, `1.x || ^2.3`, `~1.2`, `1.2 - 1.4`, with its rule for
 * pre-releases: `2.0.0-rc.1` is in a range only if one of the comparators that
 * hold it names a pre-release of 2.0.0 itself. Numbers are below 2^53.
 */
#ifndef PROTO_BASE_SEMVER_H
#define PROTO_BASE_SEMVER_H

#include "proto/base/err.h"
#include "proto/base/str.h"

struct semver {
	uint64_t part[3]; /* major, minor, patch */
	struct str pre;   /* "rc.1"; borrowed; empty: a release */
};

/* The whole text must be a version. 0 or -1. */
int semver_parse(struct str s, struct semver *v) MUST_CHECK;
/* Below zero, zero or above, as a comes before, with or after b. */
int semver_compare(const struct semver *a, const struct semver *b);

struct semver_range; /* opaque */

/* NULL with err when the text is no range. Keeps a copy of the text. */
struct semver_range *semver_range_new(const char *text, struct err *err)
	MUST_CHECK;
void semver_range_free(struct semver_range *r); /* NULL is fine */
bool semver_range_has(const struct semver_range *r, const struct semver *v);

#endif
