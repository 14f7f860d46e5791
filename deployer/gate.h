/*
 * May this job's action be done now? Asked each time its turn has come. Pure.
 * What says no is the trigger: it is only to be tried (dry_run), waits for a
 * person (approve), for the push to be so old (min_age) or for its hours
 * (window). A job that waits does not keep its turn: a newer push of the same
 * redeploy takes its place.
 */
#ifndef DEPLOYER_GATE_H
#define DEPLOYER_GATE_H

#include "proto/base/strbuf.h"
#include "proto/data/conf.h"
#include "proto/msg/job.h"

/* A job that waits is looked at so often, since its trigger may have changed;
 * ms. */
#define GATE_LOOK_MS ((int64_t)3600 * 1000)

enum gate_answer {
	GATE_GO,
	GATE_WAIT, /* until *due, 0 when that is not known; the row `waiting`
		      says why */
	GATE_END,  /* the final row `dry_run` says what would be done */
};

/* What is known beside the trigger and the job; times in UTC ms. */
struct gate_facts {
	int64_t now;
	bool approved; /* a person said so */
	int64_t opens; /* conf_window_next() */
};

/* Appends the row's sentence to why: all that the job waits for, since it has
 * one such row. */
enum gate_answer gate_ask(const struct conf_trigger *t, const struct job *job,
	const struct gate_facts *facts, int64_t *due, struct strbuf *why);

#endif
