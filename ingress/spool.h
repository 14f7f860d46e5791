/*
 * The events that ingress owns, on disk. An event is in one state:
 *
 *   (new) --put--> pending --done--> done --prune--> (gone)
 *                   ^   \--park--> parked --release--.
 *                   '---------------------------------'
 *
 * put commits (synchronous=FULL) before its callback says so: that is the
 * moment of custody. done says that a matcher acknowledged, i.e. others have
 * on disk what follows from the event; done events stay as history, by which
 * a sender's repeats are known, for SPOOL_KEEP_MS. A parked event is told and
 * not sent: parked.h says which are.
 *
 * All writes go through one writer thread that commits what has arrived as
 * one group. Reading back is spool_read.h.
 */
#ifndef INGRESS_SPOOL_H
#define INGRESS_SPOOL_H

#include "proto/base/err.h"
#include "proto/base/uid.h"
#include "proto/base/vec.h"
#include "proto/msg/event.h"

#define SPOOL_KEEP_MS ((int64_t)7 * 24 * 3600 * 1000)

struct spool;

/* Opens DIR/spool.db, making DIR when it is missing. */
struct spool *spool_open(const char *dir, struct err *err);
/* Finishes what is queued, then closes. NULL is fine. */
void spool_close(struct spool *s);

/* ---- accepting: any thread ------------------------------------------------ */

struct spool_entry {
	struct event event; /* owned */
	struct strbuf packed;
	/* After the commit: its place, or the event that it repeats. */
	int64_t seq;
	bool duplicate;
	char first[UID_LEN];
	/* Of a repeat whose first was done: event is now that one, counted
	 * (event.again), and goes the whole way once more, from seq. */
	bool again;
};

/* The events of one body: all of them are committed, or none. */
struct spool_put {
	VEC(struct spool_entry) entries;
	/* On the writer's thread, in the order of commits; NULL: committed. */
	void (*done)(struct spool_put *put, const struct err *err);
	struct spool *spool;
};

/*
 * By what an event's repeats are known within its source: the sender's id, or
 * without one what was pushed and when, hashed. NULL when the sender tells
 * neither an id nor a time: then nothing tells a repeat from the next push.
 * The same event by two triggers' own URLs is two. out is room for it.
 */
#define SPOOL_KEY_LEN 72
const char *spool_key(const struct event *e, char out[SPOOL_KEY_LEN]);
/* Takes over *e (zeroed), which must be complete; -1 when a field is over its
 * limit: then *e is released. */
int spool_put_add(struct spool_put *put, struct event *e, struct err *err);
/* 0: put belongs to the spool until done. -1: the queue is full. */
int spool_put_start(struct spool *s, struct spool_put *put);
void spool_put_release(struct spool_put *put);

/* ---- afterwards ------------------------------------------------------------ */

/* What becomes of an event: done, or parked. */
struct spool_mark {
	int64_t seq;
	const char *parked; /* why; a literal. NULL: done */
};

/* Marks n events; marks is copied. done (on the writer's thread) may tell an
 * error: then none of them is marked. -1: the queue is full. */
int spool_mark(struct spool *s, const struct spool_mark *marks, size_t n,
	void (*done)(void *ctx, const struct err *err), void *ctx);
/* Parked is pending again. done runs on the writer's thread with the event's
 * seq, or 0 when no such event is parked. id is borrowed until then. -1: the
 * queue is full. */
int spool_release(struct spool *s, const char *id,
	void (*done)(void *ctx, int64_t seq, const struct err *err), void *ctx);
/* Deletes some of the done events that were accepted before; queued. */
void spool_prune(struct spool *s, int64_t before);
/* Writes and commits a trifle, to find out whether the disk takes it. */
void spool_probe(struct spool *s);
/* Did the last commit that wrote something succeed? Any thread. */
bool spool_healthy(const struct spool *s);

/* What stands beside each payload: finds damage, is no proof of origin. */
#define SPOOL_SUM_LEN 17
void spool_sum(struct str payload, char out[SPOOL_SUM_LEN]);

struct db_schema;
extern const struct db_schema spool_schema;

#endif
