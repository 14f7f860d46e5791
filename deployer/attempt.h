/*
 * One try at a job, from RUNNING to the transaction that ends it. The slot is
 * freed only when that is on disk: then the job is ended or waits again.
 */
#ifndef DEPLOYER_ATTEMPT_H
#define DEPLOYER_ATTEMPT_H

#include "deployer/deployer.h"
#include "deployer/row.h"

struct attempt {
	struct list node; /* in the deployer's attempts */
	struct deployer *d;
	struct queue_job *job; /* RUNNING */
	struct job what;
	struct conf *conf; /* a reference: trigger is in it */
	const struct conf_trigger *trigger; /* NULL: refused */
	int64_t number;  /* from 1 */
	int64_t started; /* UTC ms */
	/* How it ends, and who is told when that is on disk (or NULL). */
	enum queue_state state;
	int64_t due;
	bool uncounted; /* it was no try */
	void (*over)(void *ctx);
	void *ctx;
};

/* The queue's job that queue_next gave. NULL when it could not be read: it
 * waits again; or when its trigger is no more what it was: it ends refused. */
struct attempt *attempt_begin(struct deployer *d, struct queue_job *job);

/* A person asked for the job once more; its sender, who may ask as well
 * (event.again), is believed no more than the first time. */
bool attempt_is_ordered(const struct attempt *a);

/* The row of this attempt so far; phases may be NULL. */
void attempt_row(const struct attempt *a, struct record *row,
	const char *status, const struct driver_phases *phases);

/*
 * Each ends the attempt and takes the row over; the attempt is freed once it
 * is on disk.
 */
void attempt_end(struct attempt *a, struct record *row); /* final */
void attempt_again(struct attempt *a, struct record *row, int64_t due);
/* Not counted as a try; waits until due. row may be NULL: it was told; else it
 * says itself when it is tried.
 * Where it was told, why (or NULL) is for the list of what waits. */
void attempt_wait(struct attempt *a, struct record *row, int64_t due,
	const char *why);
/* Not counted as a try; HELD until its engine has been looked at. */
void attempt_hold(struct attempt *a, struct record *row);
/* The process ends: nothing is written, the next one repeats it. */
void attempt_abandon(struct attempt *a);

#endif
