/*
 * What the four parts of the PostgreSQL store share: life and what waits are
 * in store_postgresql.c, the thread that writes is in store_postgresql_write.c,
 * how a group gets into the table in store_postgresql_group.c, reading in
 * store_postgresql_read.c.
 */
#ifndef LOGGER_STORE_POSTGRESQL_H
#define LOGGER_STORE_POSTGRESQL_H

#include <pthread.h>

#include "logger/store.h"
#include "proto/base/vec.h"
#include "proto/data/pg.h"

#define POSTGRESQL_TABLE "pullwire_record"

struct postgresql {
	struct store base;
	char *url;
	struct secret password;
	bool readonly;
	atomic_bool ending; /* a server that says nothing is waited for no more */

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t more;
	VEC(struct store_put *) puts;
	VEC(struct store_prune *) prunes;
	bool stopping;
	struct err fault; /* why nothing can be stored now; ERR_NONE: it can */
	VEC(struct pg *) idle; /* connections of readers */

	/* The writer thread's; no thread when read-only. */
	pthread_t thread;
	bool started;
	struct pg *pg; /* NULL while there is no connection */
	char *insert; /* SQL */
};

static inline struct postgresql *postgresql_of(struct store *s)
{
	return CONTAINER_OF(s, struct postgresql, base);
}

/* A connection whose tables are there; with migrate they are made. */
struct pg *postgresql_connect(const struct postgresql *p, bool migrate,
	struct err *err);

/* store_postgresql_write.c: the thread. */
void *postgresql_writer(void *arg);

/* store_postgresql_group.c: the insert's text, which the caller frees; what a
 * row takes; and n rows, all or none, with what became of each. */
char *postgresql_insert_text(void);
size_t postgresql_row_bytes(const struct record *r);
int postgresql_store_group(struct postgresql *p,
	struct store_put *const *puts, size_t n, struct err *err);

/* Of struct store_driver. */
int postgresql_query(struct store *s, const struct query *q,
	store_read_fn *row, void *ctx, struct err *err);
int postgresql_get(struct store *s, const char *id, store_read_fn *row,
	void *ctx, struct err *err);
int postgresql_last(struct store *s, int64_t *seq, struct err *err);
int postgresql_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err);

#endif
