/*
 * From what happened to a row of the access log. Pure. A row is released with
 * field_release(&record_table, row), or handed to the store with the job's
 * new state.
 */
#ifndef DEPLOYER_ROW_H
#define DEPLOYER_ROW_H

#include "deployer/driver.h"
#include "proto/msg/record.h"

/* About the job's attempt: everything that the job and its trigger say.
 * trigger may be NULL: the job names one that is not ours. */
void row_init(struct record *r, const struct job *job,
	const struct conf_trigger *trigger, int64_t attempt,
	const char *status, int64_t now);

/* When what happened, UTC ms; 0: it did not. */
struct row_times {
	int64_t event;    /* accepted by the ingress */
	int64_t enqueued; /* the job committed here */
	int64_t since;    /* it has waited since */
	int64_t started;  /* this attempt */
	int64_t ended;
	const struct driver_phases *phases; /* or NULL */
};

/*
 * Sets duration_ms: "arrival" (the event to the job's commit), "wait" (until
 * this attempt), the driver's phases, "until_stopped" (the event to the old
 * container being stopped, less the pull) and "total" (all since the event).
 */
void row_durations(struct record *r, const struct row_times *t);

/* Did the job do what it was for? By the row's status: `deployed`, `unchanged`
 * or any 2xx. */
bool row_is_done(const struct record *r);

/* The row of a deploy's end: status, reason, digests, evidence, and whether it
 * is the job's last. */
void row_result(struct record *r, const struct driver_result *result);

#endif
