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

#define RULE_NEAR_MAX 56

/*
 * Three cache lines: what a look-up that finds it reads, what the answer
 * needs, and its repository, so that a million of them cost a push little more
 * than ten. It does not move: repository may point into it.
 */
struct rule {
	_Alignas(64) const char *repository; /* [HOST/] a full name or a glob */
	char *name; /* the trigger's */
	const char *expression;
	struct regex *regex; /* of expression */
	struct regex *exclude_regex; /* of exclude; or NULL: nothing */
	struct semver_range *range; /* of semver; or NULL: any tag */
	char **tags;
	uint8_t method; /* enum rule_method */
	uint8_t n_tags;
	bool newer_only; /* its jobs tell their version */
	/* What the deployer does with a job of it; here only to be told. */
	bool dry_run, approve, digest_changed;

	int64_t min_age; /* ms */
	const char *exclude;
	const char *semver;
	char *lane;           /* "http" or an engine's name */
	const char *affinity; /* one key, one deployer: its jobs stay in order */
	const char *target;   /* "container web" or "url", for rows */
	const char *url;      /* to post to, secrets as ***; or NULL: a deploy */
	const char *window;   /* or NULL */

	const char *platforms; /* or NULL */
	char near[RULE_NEAR_MAX]; /* repository, if it is no longer */
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
/* Keys that the two say; all others of a trigger are not in a rule. */
#define RULE_SAID_KEYS \
	"name", "repository", "expression", "tags", "type", "tag", "exclude", \
		"semver", "newer_only", "digest_changed", "platforms", \
		"min_age", "window", "approve", "dry_run", "url", "engine", \
		"container", "compose", "service"
/* "redeploy container web", for people */
void rule_action(const struct rule *r, struct strbuf *out);
/* "`latest`, `stable`" */
void rule_list_tags(const struct rule *r, struct strbuf *out);

#endif
