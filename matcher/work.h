/*
 * An event in; its jobs to the deployers and its rows to the loggers; every
 * one acknowledged; then the event is acknowledged. Nothing is kept here: an
 * event that cannot be finished goes back to ingress with a delay, waits
 * there, and is done again from the start under the same ids, so repeats are
 * harmless. No event holds another. Loop thread only.
 */
#ifndef MATCHER_WORK_H
#define MATCHER_WORK_H

#include "matcher/rule.h"
#include "proto/daemon/daemon.h"

struct work;

/* How patient it is, ms; zero: the defaults. */
struct work_limits {
	int64_t hold_ms;   /* a lane away so long is taken for a restart: 3,000 */
	int64_t task_ms;   /* for deployers and loggers to answer: 10,000 */
	int64_t silent_ms; /* a logger that owes an answer is away: 3,000 */
	int64_t busy_ms;   /* until a busy deployer is asked again: 5,000 */
};

struct work_config {
	const struct conf *conf; /* links and window; borrowed for the call */
	const char *instance;
	/* Once, after work_drain(): nothing is under way any more. */
	void (*drained)(void *ctx);
	void *ctx;
	struct work_limits limits;
};

/* Connects to all ingresses, deployers and loggers; takes over the caller's
 * reference to rules, also on failure. NULL with err. */
struct work *work_open(struct loop *l, const struct work_config *c,
	struct ruleset *rules, struct err *err);
void work_close(struct work *w); /* events under way go back to ingress */

/* Applies to the events that come from now on; takes over the reference.
 * conf, whose rules they are, is borrowed for the call. */
void work_set_rules(struct work *w, const struct conf *conf,
	struct ruleset *rules);
/* Takes no more events and gives those under way a few seconds. */
void work_drain(struct work *w);
/* Tells readiness and counters. */
void work_report(struct work *w, struct daemon *d);
/* Hands the status of this process to the loggers. */
void work_send_status(struct work *w, const struct msg_status *s);

#endif
