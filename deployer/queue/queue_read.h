/*
 * What the queue's database says, read on a connection of the caller's thread:
 * the daemon's own (queue_store_reader), or one that the `queue` command opens
 * read-only beside a running daemon.
 */
#ifndef DEPLOYER_QUEUE_READ_H
#define DEPLOYER_QUEUE_READ_H

#include "deployer/queue/queue.h"
#include "deployer/http/receiver.h"
#include "proto/data/db.h"
#include "proto/msg/record.h"

/* The job as it came, into a zeroed *job. 0 or -1. */
int queue_read_job(struct db *db, const char *id, struct job *job,
	struct err *err);

/* At a start. What was the newest push of each target: */
int queue_read_newest(struct db *db,
	void (*fn)(void *ctx, const struct queue_spec *spec), void *ctx,
	struct err *err);
/* Each job that has not ended, in order of arrival; held when it was running
 * or the journal knows it. All borrowed; target and lane are as they were when
 * the job came. When damage is a sentence, the job cannot be read: NULL. */
int queue_read_open(struct db *db,
	void (*fn)(void *ctx, const struct queue_spec *spec,
		const struct job *job, const char *damage),
	void *ctx, struct err *err);

/* Up to max rows that wait for a logger, after seq, in order; *row is the
 * callee's. 0 or -1. */
int queue_read_rows(struct db *db, int64_t seq, int64_t max,
	void (*fn)(void *ctx, int64_t seq, struct record *row), void *ctx,
	struct err *err);

/* The same of notices; job is borrowed. */
int queue_read_notices(struct db *db, int64_t seq, int64_t max,
	void (*fn)(void *ctx, int64_t seq, const struct job *job), void *ctx,
	struct err *err);

/* How many notices nobody else has yet. 0 or -1. */
int queue_read_notices_n(struct db *db, int64_t *n, struct err *err);

/* What is known of the one at the trigger's URL (url is its SHA-256); all
 * zero when nothing is, or when it was at another URL. 0 or -1. */
int queue_read_receiver(struct db *db, const char *trigger, const char *url,
	struct receiver *r, struct err *err);

/* *set is the engine's labels as queue_store_labels() wrote them, the
 * caller's; NULL without. 0 or -1. */
int queue_read_labels(struct db *db, const char *engine, char **set,
	struct err *err);

/* What the trigger did last to the target, all of it the caller's; NULLs when
 * nothing is known. 0 or -1. */
struct queue_last {
	char *tag, *digest, *version;
	int64_t time; /* UTC ms */
};
int queue_read_last(struct db *db, const char *trigger, const char *target,
	struct queue_last *last, struct err *err);
void queue_last_release(struct queue_last *last);

/* How many tries an open job had, and how many of them before it was
 * redelivered. 0 or -1. */
int queue_read_tries(struct db *db, const char *id, int64_t *attempt,
	int64_t *base, struct err *err);
/* Each ended job that is kept and fits. 0 or -1. */
struct queue_read_filter {
	const char *trigger; /* a name, or a pattern with *; NULL: any */
	const char *status;  /* of the last row; NULL: any */
	int64_t since, until; /* time of the event, UTC ms */
};
int queue_read_ended(struct db *db, const struct queue_read_filter *f,
	void (*fn)(void *ctx, const char *id), void *ctx, struct err *err);

/* What a job that has not ended says of itself: progress, or why it waits;
 * appended. 0 or -1. */
int queue_read_note(struct db *db, const char *id, struct strbuf *note,
	struct err *err);
/* For people: each job that has not ended. */
struct queue_read_line {
	const char *target, *lane, *trigger, *job;
	const char *note; /* progress, or why it waits; NULL */
	enum queue_state state;
	int64_t time, attempt, due;
};
int queue_read_list(struct db *db,
	void (*fn)(void *ctx, const struct queue_read_line *line), void *ctx,
	struct err *err);

#endif
