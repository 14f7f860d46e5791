/*
 * What a trigger says, ready to be applied. A ruleset is immutable after
 * rule_load() and counted: who works with one holds a reference, so another
 * can take its place while the last events of the old one end. The lists are
 * in the order of the configuration. What many triggers say alike (lanes,
 * expressions, ranges) is kept once, since there may be a million. One thread.
 */
#ifndef MATCHER_RULE_H
#define MATCHER_RULE_H

#include "matcher/regex.h"
#include "proto/base/semver.h"
#include "proto/base/strbuf.h"

enum rule_method {
	RULE_ALL,        /* each new or updated tag */
	RULE_EXPRESSION, /* the whole tag must match */
	RULE_TAGS,       /* one of these, exactly */
};

struct rule {
	char *name;             /* the trigger's */
	const char *repository; /* [HOST/] and a full name or a glob */
	const char *expression;
	struct regex *regex;    /* of expression */
	char **tags;
	const char *exclude;
	struct regex *exclude_regex; /* of exclude; or NULL: nothing */
	const char *semver;
	struct semver_range *range; /* of semver; or NULL: any tag */
	char *lane;           /* "http" or an engine's name */
	const char *affinity; /* one key, one deployer: its jobs stay in order */
	const char *target;   /* "container web" or "url", for rows */
	const char *url;      /* to post to, secrets as ***; or NULL: a deploy */
	enum rule_method method;
	unsigned n_tags;
	/* What the deployer does with a job of it; here only to be told. */
	bool dry_run, approve, digest_changed;
	bool newer_only; /* its jobs tell their version */
	int64_t min_age; /* ms */
	const char *window; /* or NULL */
};

struct rule_index;
struct rule_parts; /* the texts and what is shared: rule_parts.h */

struct ruleset {
	struct rule *rules;
	size_t n;
	char *const *lanes; /* each once */
	size_t n_lanes;
	struct rule_index *index;
	struct rule_parts *parts;
	char *generation; /* of the configuration: which rules these are */
	unsigned refs;
};

struct ruleset *ruleset_ref(struct ruleset *set);
/* Drops the caller's reference; the last one frees. NULL is fine. */
void ruleset_unref(struct ruleset *set);
/* "web: shop/web, tags that match `release-v.*`: redeploy container web
 * (lane local)" */
void rule_describe(const struct rule *r, struct strbuf *out);
/* "redeploy container web", for people */
void rule_action(const struct rule *r, struct strbuf *out);
/* "`latest`, `stable`" */
void rule_list_tags(const struct rule *r, struct strbuf *out);

#endif
