/*
 * What the three parts of the PostgreSQL store share: life and what waits are
 * in store_postgresql.c, writing on a thread is in store_postgresql_write.c,
 * reading is in store_postgresql_read.c.
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

/* store_postgresql_write.c: the thread; and the insert's text, which the
 * caller frees. */
void *postgresql_writer(void *arg);
char *postgresql_insert_text(void);

/* Of struct store_driver. */
int postgresql_query(struct store *s, const struct query *q,
	store_read_fn *row, void *ctx, struct err *err);
int postgresql_get(struct store *s, const char *id, store_read_fn *row,
	void *ctx, struct err *err);
int postgresql_last(struct store *s, int64_t *seq, struct err *err);
int postgresql_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err);

#endif
