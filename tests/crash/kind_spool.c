#include "tests/crash/stores.h"

#include "ingress/spool_read.h"
#include "proto/data/db.h"

#include <pthread.h>

struct store {
	char *path;
	struct spool *spool;
	struct spool_reader *reader;
};

static void store_close(void *store)
{
	struct store *s = store;

	spool_reader_close(s->reader);
	spool_close(s->spool);
	free(s->path);
	free(s);
}

static void *store_open(const char *dir, struct err *err)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->path = xprintf("%s/spool.db", dir);
	s->spool = spool_open(dir, err);
	if (s->spool)
		s->reader = spool_reader_open(dir, err);
	if (s->reader)
		return s;
	store_close(s);
	return NULL;
}

/* ---- put ---- */

struct waiting {
	struct spool_put put;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done;
	struct err err;
};

static void done(struct spool_put *put, const struct err *err)
{
	struct waiting *w = CONTAINER_OF(put, struct waiting, put);

	pthread_mutex_lock(&w->lock);
	if (err)
		w->err = *err;
	w->done = true;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

static int store_put(void *store, int i, struct err *err)
{
	struct store *s = store;
	struct waiting w = {.put.done = done, .err = {.cls = ERR_NONE}};
	struct event e = {.time = 1700000000000 + i};

	e.id = xprintf(STORES_ID, i);
	e.source = xstrdup("registry");
	e.sender_id = xprintf("sender-%d", i);
	e.repository = xstrdup("shop/web");
	e.tag = xprintf("v%d", i);
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.told, NULL);
	if (spool_put_add(&w.put, &e, err) < 0 ||
		spool_put_start(s->spool, &w.put) < 0)
		BUG("the spool takes nothing");
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	spool_put_release(&w.put);
	*err = w.err;
	return w.err.cls == ERR_NONE ? 0 : -1;
}

/* ---- list ---- */

struct listing {
	void (*found)(void *ctx, const char *what, const char *id);
	void *ctx;
};

static void pending(void *ctx, struct spool_row *row)
{
	struct listing *l = ctx;

	l->found(l->ctx, row->damage ? "damaged" : "pending",
		row->id ? row->id : "?");
}

static int store_list(void *store,
	void (*found)(void *ctx, const char *what, const char *id), void *ctx,
	struct err *err)
{
	struct store *s = store;
	struct listing l = {found, ctx};
	int64_t last;
	struct db *db;
	struct db_stmt *st;
	int rc = -1;

	if (spool_reader_load(s->reader, 0, INT64_MAX, SIZE_MAX >> 1, pending,
		    &l, &last, err) < 0)
		return -1;
	db = db_open(s->path, &spool_schema, true, err);
	if (!db)
		return -1;
	st = db_prepare(db, "select state, id from event"
		" where state <> 'pending'", err);
	while (st && (rc = db_step(st, err)) == 1)
		found(ctx, db_col_str(st, 0), db_col_str(st, 1));
	db_close(db);
	return rc;
}

const struct kind kind = {store_open, store_close, store_put, store_list};
