/*
 * Where the rows rest. A store takes records, unique by their id, and gives
 * them back by a query. What follows the invariants:
 *
 *   - a record whose id is there already is not stored again (REPEATED);
 *   - of an (event, trigger) at most one row is final. A second, different
 *     final row is a broken promise of its sender: it is stored, because the
 *     log hides nothing, but with final false and a reason that says so
 *     (EXTRA_FINAL), so that who counts final rows counts one;
 *   - a row has a checksum; one that was changed since it was stored is shown
 *     as damaged, told in the log and counted, and the others are shown.
 *
 * Reading may be done from any thread and never waits for writing. Nor does it
 * hold writing up: few queries run at once, on threads that give way to all
 * others from their first query on, and while many rows come, a long query is
 * followed by a pause. Each kind of store is a const struct of functions in its
 * own file, listed in stores.c; only those files know their database.
 */
#ifndef LOGGER_STORE_H
#define LOGGER_STORE_H

#include <semaphore.h>
#include <stdatomic.h>

#include "logger/damage.h"
#include "logger/query.h"
#include "proto/base/secret.h"
#include "proto/msg/record.h"

struct store;

enum store_outcome { STORE_NEW, STORE_REPEATED, STORE_EXTRA_FINAL };

/* One row on its way. The caller's until done, which runs once, on a thread
 * of the store, when the row is on disk or err says why it is not. */
struct store_put {
	struct record record; /* as stored, when done is called */
	enum store_outcome outcome;
	void (*done)(struct store_put *put, const struct err *err);
	struct store *store; /* the store's */
};

struct store_prune {
	int64_t before; /* UTC ms: older rows go */
	int64_t max_bytes; /* while the rows take more, the oldest go; 0: none */
	int64_t max;    /* at most so many at once */
	int64_t pruned; /* how many went, when done is called */
	void (*done)(struct store_prune *prune, const struct err *err);
};

/* A row; borrowed for the call. Nonzero ends the query. One that is not what
 * was stored is given as row_damaged() makes it. */
typedef int store_row_fn(void *ctx, const struct record *r,
	const struct query_cursor *at);
/* As a driver reads it, with the checksum beside it (row_sum.h). */
typedef int store_read_fn(void *ctx, const struct record *r,
	const struct query_cursor *at, int64_t sum);

/* How many rows there are of a trigger (NULL: of none) and status; what says
 * none is "damaged". */
typedef void store_count_fn(void *ctx, const char *trigger,
	const char *status, int64_t n);

struct store_config {
	const char *url; /* sqlite:/var/lib/pullwire/log.db, or postgresql://… */
	const struct secret *password; /* of the latter; NULL: in the URL */
	/* For commands: it needs the store to exist, and may be open beside
	 * the daemon. */
	bool readonly;
};

struct store_driver {
	const char *names[2]; /* before the colon of the configured store */
	struct store *(*open)(const struct store_config *c, struct err *err);
	void (*ending)(struct store *s); /* NULL: it waits for nobody */
	void (*close)(struct store *s);
	int (*put)(struct store *s, struct store_put *put);
	int (*prune)(struct store *s, struct store_prune *prune);
	int (*query)(struct store *s, const struct query *q,
		store_read_fn *row, void *ctx, struct err *err);
	int (*get)(struct store *s, const char *id, store_read_fn *row,
		void *ctx, struct err *err);
	int (*last)(struct store *s, int64_t *seq, struct err *err);
	int (*check)(struct store *s, struct err *err); /* NULL: always well */
	int (*count)(struct store *s, int64_t since, int64_t until,
		store_count_fn *fn, void *ctx, struct err *err);
};

#define STORE_READERS 2 /* queries that run at once; more wait */

/* First member of each driver's own. */
struct store {
	const struct store_driver *driver;
	sem_t readers; /* these three: stores.c's */
	atomic_llong puts; /* since the start */
	struct damage *damage;
};

extern const struct store_driver store_sqlite, store_postgresql;

struct store *store_open(const struct store_config *c, struct err *err);
/* The process ends: a database server that says nothing is given up soon. */
void store_ending(struct store *s); /* NULL is fine */
/* Writes what was put, calls what is outstanding; NULL is fine. */
void store_close(struct store *s);
/* 0, or -1 when too much waits already: then done is not called. */
int store_put(struct store *s, struct store_put *put) MUST_CHECK;
int store_prune(struct store *s, struct store_prune *prune) MUST_CHECK;
/* 0 or -1. In the daemon a query that takes over 2 s fails. */
int store_query(struct store *s, const struct query *q, store_row_fn *row,
	void *ctx, struct err *err) MUST_CHECK;
/* 1: row was called; 0: there is no such id; -1. */
int store_get(struct store *s, const char *id, store_row_fn *row, void *ctx,
	struct err *err) MUST_CHECK;
/* Does the store take rows, as far as it knows? 0, or -1 with what is wrong. */
int store_check(struct store *s, struct err *err) MUST_CHECK;
/* The seq of the row stored last; 0 when there is none. 0 or -1. */
int store_last(struct store *s, int64_t *seq, struct err *err) MUST_CHECK;
/* The final rows with since <= time < until (UTC ms), counted; 0 or -1. */
int store_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err) MUST_CHECK;

#endif
