/*
 * The triggers that containers have as labels, as deployers tell them: of each
 * engine what was said last, also when its deployer is gone. Their rules are a
 * set of their own beside the file's. Until an engine's deployer has said
 * something, nobody can know that a push concerns none of its containers.
 */
#ifndef MATCHER_LABELS_H
#define MATCHER_LABELS_H

#include "matcher/rule.h"
#include "proto/data/conf.h"

struct labels;

/* Keeps a reference to conf. */
struct labels *labels_new(const struct conf *conf);
void labels_free(struct labels *l); /* NULL is fine */
/* Another configuration is in force. */
void labels_set_conf(struct labels *l, const struct conf *conf);
/* What a deployer of the engine says: the text of a set. Anything else is
 * logged and changes nothing. */
void labels_take(struct labels *l, const char *engine, const char *set);
/* The rules; borrowed until the next call above. */
struct ruleset *labels_rules(struct labels *l);
/* An engine of which nothing was said yet, or NULL. */
const char *labels_missing(const struct labels *l);

#endif
