/*
 * From a repository to the rules that name it, without asking each rule:
 * full names are looked up, the globs that remain are tried in turn. What
 * "names" means is conf_repository_match() alone.
 */
#ifndef MATCHER_RULE_INDEX_H
#define MATCHER_RULE_INDEX_H

#include "matcher/rule.h"
#include "proto/base/vec.h"

struct rule_index; /* opaque */

/* Borrows the rules, which do not move while the index lives. */
struct rule_index *rule_index_new(const struct rule *rules, size_t n);
void rule_index_free(struct rule_index *ix); /* NULL is fine */

struct rule_list {
	const struct rule **v;
	size_t n, cap;
};

/* Appends the rules that name the repository, in their order. */
void rule_index_find(const struct rule_index *ix, const char *repository,
	struct rule_list *out);

#endif
