/*
 * From a repository to the rules that name it, without asking each rule: full
 * names are looked up; globs are found by the text before their first star or
 * after their last one, whichever is longer; those that begin and end with a
 * star are tried in turn. What "names" means is conf_repository_match() alone:
 * the index only narrows. A look-up reads a slot and the rule it leads to; for
 * globs a bit for each length that such a text has.
 */
#ifndef MATCHER_RULE_INDEX_H
#define MATCHER_RULE_INDEX_H

#include "matcher/rule.h"
#include "proto/base/vec.h"
#include "proto/msg/event.h"

struct rule_index; /* opaque */

/* Borrows the rules, which do not move while the index lives. */
struct rule_index *rule_index_new(const struct rule *rules, size_t n);
void rule_index_free(struct rule_index *ix); /* NULL is fine */

struct rule_list {
	const struct rule **v;
	size_t n, cap;
};

/* Appends the rules that name the event's repository, in their order. */
void rule_index_find(const struct rule_index *ix, const struct event *e,
	struct rule_list *out);

#endif
