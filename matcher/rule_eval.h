/*
 * Which triggers does a push fire, and why or why not? Pure: the same rules
 * and the same event give the same answers, in the same words, to the daemon
 * and to `explain`.
 */
#ifndef MATCHER_RULE_EVAL_H
#define MATCHER_RULE_EVAL_H

#include "matcher/rule.h"
#include "proto/msg/event.h"

enum rule_verdict {
	RULE_MATCHED,
	RULE_UNTRIGGERED,
	RULE_ERROR,      /* a limit was reached: neither yes nor no */
	RULE_NO_TRIGGER, /* no rule names the repository; rule is NULL */
};

struct rule_result {
	const struct rule *rule; /* borrowed from its set */
	const struct ruleset *set;
	enum rule_verdict verdict;
	char *version; /* of a rule that is newer_only; or NULL */
	char *reason; /* a sentence; at most RULE_REASON_MAX bytes */
};

#define RULE_REASON_MAX ((size_t)1000)

/* One for each rule that names the repository (of an event for one trigger:
 * for that one only), or the one RULE_NO_TRIGGER. */
struct rule_results {
	struct rule_result *v;
	size_t n, cap;
};

/* Fills a zeroed *out; the caller releases it. labels is a second set beside
 * set, or NULL. */
void rule_eval(const struct ruleset *set, const struct ruleset *labels,
	const struct event *e, struct rule_results *out);
void rule_results_release(struct rule_results *r);
/* The row's status: "untriggered", ...; NULL for RULE_MATCHED: a job. */
const char *rule_status(enum rule_verdict v);

#endif
