/*
 * May this job's action be done now? Asked each time its turn has come. Pure.
 * What says no is the trigger: it takes no version below what it did last
 * (newer_only), nor the same digest (digest_changed), is only to be tried
 * (dry_run), waits for a person (approve), for the push to be so old (min_age)
 * or for its hours (window); or a person, who holds this job. One that a
 * person wants done now (forced) waits for none of these but to be released.
 * A job that waits does not keep its turn: a newer push of the same
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
	/* It is over, with a final row: */
	GATE_DRY_RUN,   /* `dry_run` says what would be done */
	GATE_NOT_NEWER, /* `untriggered`: a rule of the trigger says no */
	GATE_SAME,      /* `unchanged`: that digest was done last */
};

/* What is known beside the trigger and the job; times in UTC ms. */
struct gate_facts {
	int64_t now;
	int64_t enqueued; /* 0: not known */
	bool approved, paused, forced; /* a person said so */
	int64_t opens; /* conf_window_next() */
	bool ordered; /* a person asked for this job once more */
	/* What the trigger did last; the texts are NULL where not known. */
	struct gate_last {
		const char *tag, *digest, *version;
		int64_t time; /* UTC ms */
	} last;
};

/* The row's status of an answer that is not GATE_GO. */
const char *gate_status(enum gate_answer answer);

/* Appends the row's sentence to why: all that the job waits for, since it has
 * one such row. */
enum gate_answer gate_ask(const struct conf_trigger *t, const struct job *job,
	const struct gate_facts *facts, int64_t *due, struct strbuf *why);

#endif
