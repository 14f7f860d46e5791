/*
 * A checked configuration's triggers as a ruleset: whole, or NULL with every
 * fault that only the matcher can see (expressions that do not compile) in
 * errs with file:line. Nothing of conf is kept. The caller holds the one
 * reference.
 */
#ifndef MATCHER_RULE_LOAD_H
#define MATCHER_RULE_LOAD_H

#include "matcher/rule.h"
#include "proto/data/conf.h"

struct ruleset *rule_load(const struct conf *conf, struct opt_errors *errs)
	MUST_CHECK;

#endif
