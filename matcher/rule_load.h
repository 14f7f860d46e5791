/*
 * A configuration's triggers as a ruleset: whole, or not at all. What only the
 * matcher can see (expressions that do not compile) is told in errs with
 * file:line, every one.
 */
#ifndef MATCHER_RULE_LOAD_H
#define MATCHER_RULE_LOAD_H

#include "matcher/rule.h"
#include "proto/data/conf.h"

/* For conf_load_checked(): adds the faults; conf may have others. */
void rule_check(const struct conf *conf, struct opt_errors *errs);
/* Of a conf without faults. NULL when errs grew. Nothing of conf is kept; the
 * caller holds the one reference. */
struct ruleset *rule_load(const struct conf *conf, struct opt_errors *errs)
	MUST_CHECK;

/* The triggers that containers have as labels (conf_with_labels()), a set of
 * their own, its generation that of the labels. What is at fault is told and
 * left out alone. */
struct ruleset *rule_load_labelled(
	const struct conf *conf, struct opt_errors *errs);

#endif
