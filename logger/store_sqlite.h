/*
 * What the two halves of the SQLite store share: writing and life are in
 * store_sqlite.c, reading is in store_sqlite_read.c.
 */
#ifndef LOGGER_STORE_SQLITE_H
#define LOGGER_STORE_SQLITE_H

#include <pthread.h>

#include "logger/store.h"
#include "proto/base/vec.h"
#include "proto/data/db.h"

struct sqlite {
	struct store base;
	char *path;
	struct db_writer *writer; /* NULL when read-only */
	char *insert;             /* SQL; lives as long as the writer */
	pthread_mutex_t lock;     /* of idle */
	VEC(struct db *) idle;    /* connections of readers */
};

static inline struct sqlite *sqlite_of(struct store *s)
{
	return CONTAINER_OF(s, struct sqlite, base);
}

extern const struct db_schema sqlite_schema;

/* Of struct store_driver. */
int sqlite_query(struct store *s, const struct query *q, store_read_fn *row,
	void *ctx, struct err *err);
int sqlite_get(struct store *s, const char *id, store_read_fn *row, void *ctx,
	struct err *err);
int sqlite_last(struct store *s, int64_t *seq, struct err *err);
int sqlite_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err);

#endif
