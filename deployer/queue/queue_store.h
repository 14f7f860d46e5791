/*
 * The queue on disk: jobs, the newest push of each target, rows that a logger
 * has not acknowledged, notices nobody else has yet, and the drivers' journal,
 * in STATE/queue.db. The SQL is in queue_schema.c, queue_write.c, queue_read.c
 * and journal.c.
 *
 * Every change is a transaction on the writer's thread, in the order of the
 * calls; done runs on the loop once it is on disk. A job's new state, its row
 * and its notices are one transaction. A job that is DONE stays so: whatever
 * comes later for it changes nothing and adds no row, so each job has one final
 * row.
 *
 * If a transaction fails (disk full), an attempt's end is kept and tried
 * again until it is written, as what was done cannot be taken back; a new
 * job's arrival is told as failed, as its sender still has it. Loop's thread
 * only, unless said otherwise.
 */
#ifndef DEPLOYER_QUEUE_STORE_H
#define DEPLOYER_QUEUE_STORE_H

#include "deployer/driver.h"
#include "deployer/http/notice.h"
#include "deployer/queue/queue.h"
#include "deployer/http/receiver.h"
#include "proto/data/db.h"
#include "proto/io/loop.h"
#include "proto/msg/record.h"

struct queue_store;

/* trouble is called on the loop with the error when a write fails, and with
 * NULL when one works again. */
struct queue_store *queue_store_open(struct loop *l, const char *path,
	void (*trouble)(void *ctx, const struct err *err), void *ctx,
	struct err *err);
/* Writes what is queued first. No done is called any more. */
void queue_store_close(struct queue_store *s); /* NULL is fine */
/* Writes not yet done. */
size_t queue_store_pending(const struct queue_store *s);

/* ---- jobs ------------------------------------------------------------------ */

struct queue_store_arrival {
	const struct job *job;
	const char *target;  /* queue key; "" for a refused one */
	bool coalesce;
	bool forced; /* a person wants it done now */
	int64_t now;         /* UTC ms */
	int64_t due;         /* UTC ms; not before */
	struct record *refused; /* its final row: the job comes in DONE. Taken
				   over. NULL: it waits. */
	struct notice_list *notices; /* of refused; taken over. NULL: none */
};

/* known: a job of this id is here already, open or ended: nothing was done. One
 * that ended in failure and whose event was sent again since (event.again) is
 * not known: it waits again. */
void queue_store_arrive(struct queue_store *s,
	const struct queue_store_arrival *a,
	void (*done)(void *ctx, bool known, const struct err *err), void *ctx);

/* The job is being worked on. Mostly not waited for: if it is lost, so is what
 * the journal says after it. */
void queue_store_running(struct queue_store *s, const char *id, bool wait);
/* A few words for the `queue` command; may be lost. Any thread. */
void queue_store_progress(struct queue_store *s, const char *id,
	const char *text);

struct queue_store_change {
	const char *id;
	enum queue_state state; /* WAITING or DONE */
	int64_t attempt;        /* tries that have ended */
	int64_t due;            /* UTC ms; not before */
	int64_t now;
	struct record *row;     /* taken over; NULL: none */
	const char *note;       /* without a row: why it waits, for people */
	struct notice_list *notices; /* taken over; NULL: none */
	/* The end of a job that did what it was for, to this target: from here
	 * on what its trigger did last. NULL: it did not. */
	const struct job *did;
	const char *target;
	/* DONE, but what was begun is not settled: its journal entry stays, for
	 * the driver's recovery. */
	bool unsettled;
};

/* The end of an attempt, or a row in between (state WAITING, same attempt).
 * done is called when it is on disk, however long that takes. */
void queue_store_change(struct queue_store *s,
	const struct queue_store_change *c, void (*done)(void *ctx), void *ctx);

/* What a person says of an open job: on disk when done is called, however long
 * that takes. Of two at once, each changes its own marks only. One that waits
 * is due at once, so that the next process, too, asks what it waits for. */
struct queue_store_marks {
	enum queue_store_mark {
		QUEUE_STORE_AS_IT_IS,
		QUEUE_STORE_CLEAR,
		QUEUE_STORE_SET,
	} approved, paused, forced;
};

/* drop is called in place of done when the store is closed before. */
void queue_store_mark(struct queue_store *s, const char *id,
	const struct queue_store_marks *marks, void (*done)(void *ctx),
	void (*drop)(void *ctx), void *ctx);

/* What waits again, and how often it was tried before. */
struct queue_reopened {
	struct job job;
	int64_t tries;
};
void queue_reopened_release(struct queue_reopened *r);

/* An ended job waits again, to be redelivered, a redeploy forced; its tries go
 * on counting. *to is the writer's until done, and filled then. nothing: it is
 * not ended, or not here any more; with err: it stays as it is. */
void queue_store_reopen(struct queue_store *s, const char *id, int64_t now,
	struct queue_reopened *to,
	void (*done)(void *ctx, bool nothing, const struct err *err),
	void *ctx);

/* Forgets ended jobs: they may come again from here. Notifications are kept
 * for a redelivery, so they have a time of their own. */
void queue_store_prune(struct queue_store *s, int64_t deploys_before,
	int64_t notifications_before);

/* For crashed.c: a write that is waited for, and one that is not. */
int queue_store_sync(struct queue_store *s,
	int (*apply)(struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err);
void queue_store_loose(struct queue_store *s,
	int (*apply)(struct db *db, void *ctx, struct err *err),
	const char *lane);

/* What is known of the one at a trigger's URL (url is its SHA-256). On disk
 * before any change that is made after this call. */
void queue_store_receiver(struct queue_store *s, const char *trigger,
	const char *url, const struct receiver *r);

/* The triggers of an engine's containers, for the next start. On disk before
 * any change that is made after this call. */
void queue_store_labels(struct queue_store *s, const char *engine,
	const char *set);

/* ---- rows and the rest ------------------------------------------------------ */

/* Someone who posts it has it. */
void queue_store_notice_done(struct queue_store *s, const char *id);
/* A logger has it. */
void queue_store_row_done(struct queue_store *s, const char *id);

/* For queue_read.h: the loop's own connection. */
struct db *queue_store_reader(struct queue_store *s);
/* The drivers' journal, valid until close. Worker threads. */
struct journal *queue_store_journal(struct queue_store *s);

#endif
