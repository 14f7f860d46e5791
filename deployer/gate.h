/*
 * May this job's action be done now? Asked each time its turn has come. Pure.
 * What says no is the trigger: it is only to be tried (dry_run), waits for a
 * person (approve), or for the push to be so old (min_age). A job that waits
 * does not keep its turn: a newer push of the same redeploy takes its place.
 */
#ifndef DEPLOYER_GATE_H
#define DEPLOYER_GATE_H

#include "proto/base/strbuf.h"
#include "proto/data/conf.h"
#include "proto/msg/job.h"

/* A job that waits for a person is looked at so often, since its trigger may
 * have changed; ms. */
#define GATE_LOOK_MS ((int64_t)3600 * 1000)

enum gate_answer {
	GATE_GO,
	GATE_WAIT, /* until *due; the row `waiting` says why */
	GATE_END,  /* the final row `dry_run` says what would be done */
};

/* approved: a person said so. Appends the row's sentence to why. */
enum gate_answer gate_ask(const struct conf_trigger *t, const struct job *job,
	bool approved, int64_t now, int64_t *due, struct strbuf *why);

#endif
