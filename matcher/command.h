/*
 * The matcher's commands: what it would do, told without doing it. Each
 * returns the exit code: 0, or 2 when the command line or the configuration is
 * wrong (each fault on stderr).
 */
#ifndef MATCHER_COMMAND_H
#define MATCHER_COMMAND_H

#include "matcher/rule.h"
#include "proto/daemon/daemon.h"
#include "proto/msg/event.h"

/* check FILE: every fault, or the rules as understood. */
int command_check(const struct conf *none, int argc, char **argv);
/* explain FILE [REPOSITORY:TAG] [--payload BODY --type TYPE|--source NAME]:
 * each trigger's answer, in the row's words; of a body, for each of its
 * pushes. */
int command_explain(const struct conf *none, int argc, char **argv);
/* docs config|wire: the pages that are printed from tables. */
int command_docs(const struct conf *none, int argc, char **argv);

/* What check prints of a rule of conf: its sentence, and a line for each other
 * key of its trigger that is not at its default. */
void command_rule(
	const struct conf *conf, const struct rule *r, struct strbuf *out);

/* Sets registry (NULL without host), repository, tag ("latest" without) and
 * digest (NULL without) of a zeroed *e from "[HOST/]NAME[:TAG[@DIGEST]]", as
 * ingress would have them. 0 or -1 with err. */
int command_reference(const char *text, struct event *e, struct err *err);

#endif
