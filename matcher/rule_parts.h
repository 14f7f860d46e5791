/*
 * What a ruleset's rules are made of: their texts, packed, and what is the
 * same for many of them, once. Freed as one.
 */
#ifndef MATCHER_RULE_PARTS_H
#define MATCHER_RULE_PARTS_H

#include "matcher/rule.h"

struct rule_parts *rule_parts_new(void);
void rule_parts_free(struct rule_parts *p); /* NULL is fine */

/* Zeroed memory for an array of size bytes. */
void *rule_parts_alloc(struct rule_parts *p, size_t size);
/* A copy of its own. */
char *rule_parts_text(struct rule_parts *p, const char *text);
/* The copy that is the same for every equal lane. */
char *rule_parts_lane(struct rule_parts *p, const char *lane);
/* All lanes so far, in the order they came; until the next one. */
char *const *rule_parts_lanes(const struct rule_parts *p, size_t *n);

/* The compiled form, and in *text the copy of its own; NULL with err. */
struct regex *rule_parts_regex(struct rule_parts *p, const char *pattern,
	const char **text, struct err *err);
struct semver_range *rule_parts_range(struct rule_parts *p, const char *range,
	const char **text, struct err *err);

#endif
