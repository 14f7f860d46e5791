/*
 * What the tests of the spool share: a spool in a folder of its own, putting
 * into it and waiting for that, and what is loaded from it.
 */
#ifndef TESTS_UNIT_INGRESS_SPOOL_RIG_H
#define TESTS_UNIT_INGRESS_SPOOL_RIG_H

#include "ingress/spool_read.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/data/db.h"

static char dir[64];

static inline int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-spool-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static inline int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : -1;
}

/* ---- put, and wait for it ---- */

struct waited {
	struct spool_put put;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done, failed;
};

static inline void put_done(struct spool_put *put, const struct err *err)
{
	struct waited *w = CONTAINER_OF(put, struct waited, put);

	pthread_mutex_lock(&w->lock);
	w->done = true;
	w->failed = err != NULL;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

static inline void put_init(struct waited *w)
{
	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->told, NULL);
	w->put.done = put_done;
}

static inline void put_wait(struct waited *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->told, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static inline void add(struct waited *w, int64_t now, const char *sender_id,
	const char *tag)
{
	struct event e = {0};
	struct err err = {0};
	char id[UID_LEN];

	e.id = xstrdup(uid_new(now, id));
	e.time = uid_time(e.id);
	e.source = xstrdup("src");
	e.sender_id = xstrdup_null(sender_id);
	e.repository = xstrdup("shop/web");
	e.tag = xstrdup(tag);
	if (spool_put_add(&w->put, &e, &err) < 0)
		fail_msg("%s", err.text);
}

/* One event on its own; its seq, or 0 for a repeat. */
static inline int64_t put_one(struct spool *s, int64_t now, const char *sender_id,
	const char *tag)
{
	struct waited w;
	int64_t seq;

	put_init(&w);
	add(&w, now, sender_id, tag);
	assert_int_equal(spool_put_start(s, &w.put), 0);
	put_wait(&w);
	assert_false(w.failed);
	seq = w.put.entries.v[0].duplicate ? 0 : w.put.entries.v[0].seq;
	spool_put_release(&w.put);
	return seq;
}

static inline struct spool *open_spool(void)
{
	struct err err = {0};
	struct spool *s = spool_open(dir, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static inline struct spool_reader *open_reader(void)
{
	struct err err = {0};
	struct spool_reader *r = spool_reader_open(dir, &err);

	if (!r)
		fail_msg("%s", err.text);
	return r;
}

/* ---- what is loaded ---- */

struct loaded {
	size_t n, damaged;
	char tags[256], damage[256];
};

static inline void take_row(void *ctx, struct spool_row *row)
{
	struct loaded *l = ctx;
	size_t used = strlen(l->tags);

	if (row->damage) {
		l->damaged++;
		snprintf(l->damage, sizeof(l->damage), "%s", row->damage);
		assert_string_equal(row->source, "src");
		assert_true(uid_valid(row->id));
		return;
	}
	l->n++;
	snprintf(l->tags + used, sizeof(l->tags) - used, "%s ",
		row->event.tag);
}

static inline struct loaded load(struct spool_reader *r, int64_t after,
	int64_t upto, size_t limit, int64_t *last)
{
	struct loaded l = {0};
	struct err err = {0};

	if (spool_reader_load(r, after, upto, limit, take_row, &l, last,
		&err) < 0)
		fail_msg("%s", err.text);
	return l;
}

static inline void done_flag(void *ctx, const struct err *err)
{
	assert_null(err);
	*(int *)ctx += 1;
}

static inline int mark(struct spool *s, int64_t seq, const char *parked,
	void (*done)(void *ctx, const struct err *err), void *ctx)
{
	struct spool_mark m = {seq, parked};

	return spool_mark(s, &m, 1, done, ctx);
}

static inline void run_sql(const char *sql)
{
	char path[96];
	struct err err = {0};
	struct db *db;

	snprintf(path, sizeof(path), "%s/spool.db", dir);
	db = db_open(path, &spool_schema, false, &err);
	if (!db || db_exec(db, sql, &err) < 0)
		fail_msg("%s", err.text);
	db_close(db);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
