/*
 * What a trigger says, ready to be applied. A ruleset is immutable after
 * rule_load() and counted: who works with one holds a reference, so another
 * can take its place while the last events of the old one end. The lists are
 * in the order of the configuration. One thread.
 */
#ifndef MATCHER_RULE_H
#define MATCHER_RULE_H

#include "matcher/regex.h"
#include "proto/base/strbuf.h"

enum rule_method {
	RULE_ALL,        /* each new or updated tag */
	RULE_EXPRESSION, /* the whole tag must match */
	RULE_TAGS,       /* one of these, exactly */
};

struct rule {
	char *name;       /* the trigger's */
	char *repository; /* full name or glob */
	enum rule_method method;
	char *expression;
	struct regex *regex; /* of expression */
	char **tags;
	size_t n_tags;
	char *lane;     /* "http" or an engine's name */
	char *target;   /* "container web" or "url", for rows */
	char *action;   /* "redeploy container web", for people */
	char *affinity; /* one key, one deployer: its jobs stay in order */
};

struct rule_index;

struct ruleset {
	struct rule *rules;
	size_t n;
	struct rule_index *index;
	unsigned refs;
};

struct ruleset *ruleset_ref(struct ruleset *set);
/* Drops the caller's reference; the last one frees. NULL is fine. */
void ruleset_unref(struct ruleset *set);
/* "web: shop/web, tags that match `release-v.*`: redeploy container web
 * (lane local)" */
void rule_describe(const struct rule *r, struct strbuf *out);
/* "`latest`, `stable`" */
void rule_list_tags(const struct rule *r, struct strbuf *out);

#endif
