/*
 * What changes in the queue's database: each kind of write as an apply of
 * db.h, which runs on the writer's thread inside a transaction and may run
 * twice when the transaction is undone. A job that is DONE stays so: nothing
 * that comes later for it changes it or adds a row, save reopen.
 */
#ifndef DEPLOYER_QUEUE_WRITE_H
#define DEPLOYER_QUEUE_WRITE_H

#include "deployer/http/notice.h"
#include "deployer/queue/queue.h"
#include "deployer/queue/queue_store.h"
#include "deployer/http/receiver.h"
#include "proto/data/db.h"
#include "proto/msg/record.h"

/* Arguments and outcome of one write; each kind uses what it needs. */
struct queue_write {
	struct list node; /* the store's */
	struct queue_store *s;
	int (*apply)(struct db *db, void *ctx, struct err *err);
	bool loose; /* nobody waits for it: freed when it is over */
	char *id;   /* of the job, or of the row */
	int64_t state, attempt, due, now;
	char *note; /* progress, or why it waits: for people */
	/* an arrival */
	char *trigger, *target, *lane, *event, *tag;
	int64_t time, again;
	bool coalesce;
	bool forced;
	struct queue_store_marks marks;
	struct strbuf payload; /* the packed job */
	/* a change that did it: trigger, target, tag and these */
	char *digest, *version;
	/* a receiver */
	char *url; /* its SHA-256 */
	struct receiver receiver;
	/* the row of the same transaction, if any */
	char *row_id, *status;
	struct strbuf row;
	bool ended_badly; /* as the row has it */
	bool unsettled;   /* the journal's entry stays */
	struct notice_list notices; /* of the same transaction */
	struct queue_reopened *reopened; /* the caller's */
	/* the outcome */
	bool known; /* an arrival that was here already */
	bool failed;
	struct err err; /* of the write, or why this one cannot be */
	void (*on_arrival)(void *ctx, bool known, const struct err *err);
	void (*on_change)(void *ctx);
	void (*drop)(void *ctx); /* in their place, at the close; or NULL */
	void *ctx;
};

struct queue_write *queue_write_new(
	int (*apply)(struct db *db, void *ctx, struct err *err),
	const char *id);
void queue_write_free(struct queue_write *w);
/* Takes the row over, whatever it holds: it is made to fit. NULL: none. */
void queue_write_row(struct queue_write *w, struct record *row);

/* ctx is the struct queue_write. */
int queue_write_arrive(struct db *db, void *ctx, struct err *err);
int queue_write_change(struct db *db, void *ctx, struct err *err);
int queue_write_running(struct db *db, void *ctx, struct err *err);
int queue_write_progress(struct db *db, void *ctx, struct err *err);
int queue_write_row_done(struct db *db, void *ctx, struct err *err);
int queue_write_notice_done(struct db *db, void *ctx, struct err *err);
int queue_write_prune(struct db *db, void *ctx, struct err *err);
int queue_write_receiver(struct db *db, void *ctx, struct err *err);
int queue_write_mark(struct db *db, void *ctx, struct err *err);
int queue_write_labels(struct db *db, void *ctx, struct err *err);
int queue_write_reopen(struct db *db, void *ctx, struct err *err);

#endif
