/*
 * What the tests of a store share: a store, SQLite or PostgreSQL, putting rows
 * into it and reading them.
 */
#ifndef TESTS_UNIT_LOGGER_STORE_RIG_H
#define TESTS_UNIT_LOGGER_STORE_RIG_H

#include "logger/store.h"
#include "logger/store_sqlite.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/vec.h"
#include "proto/data/pg.h"

/* Every test runs over both: SQLite in a folder of its own, and, when
 * PULLWIRE_POSTGRESQL names a server, PostgreSQL in a schema of its own. */
static char dir[32], url[300];
static struct store *store;

static inline struct store *open_store(bool readonly, struct err *err)
{
	const struct store_config c = {.url = url, .readonly = readonly};

	return store_open(&c, err);
}

static inline int setup(void **state)
{
	struct err err = {0};

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-log-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(url, sizeof(url), "sqlite:%s/sub/log.db", dir);
	store = open_store(false, &err);
	return store ? 0 : -1;
}

static inline int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	store_close(store);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

static inline void run_sql(const char *fmt, ...) PRINTF_LIKE(1, 2);

static inline void run_sql(const char *fmt, ...)
{
	const struct pg_config c = {.url = getenv("PULLWIRE_POSTGRESQL")};
	struct err err = {0};
	struct pg *pg = pg_open(&c, &err);
	char sql[300];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sql, sizeof(sql), fmt, ap);
	va_end(ap);
	if (pg == NULL || pg_exec(pg, sql, &err) < 0)
		fail_msg("%s: %s", sql, err.text);
	pg_close(pg);
}

static inline int pg_setup(void **state)
{
	struct err err = {0};

	(void)state;
	run_sql("CREATE SCHEMA t%d", (int)getpid());
	snprintf(url, sizeof(url), "%s?options=-csearch_path%%3Dt%d",
		getenv("PULLWIRE_POSTGRESQL"), (int)getpid());
	store = open_store(false, &err);
	return store ? store_check(store, &err) : -1;
}

static inline int pg_teardown(void **state)
{
	(void)state;
	store_close(store);
	run_sql("DROP SCHEMA t%d CASCADE", (int)getpid());
	return 0;
}

/* ---- putting, and waiting for it ----------------------------------------- */

struct waiting {
	struct store_put put;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done, failed;
};

static inline void put_done(struct store_put *put, const struct err *err)
{
	struct waiting *w = CONTAINER_OF(put, struct waiting, put);

	pthread_mutex_lock(&w->lock);
	w->done = true;
	w->failed = err != NULL;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

/* Takes over what *r owns. */
static inline enum store_outcome put_to(struct store *to, const struct record *r)
{
	struct waiting w = {.put = {.record = *r, .done = put_done},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.told = PTHREAD_COND_INITIALIZER};

	assert_int_equal(store_put(to, &w.put), 0);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	assert_false(w.failed);
	field_release(&record_table, &w.put.record);
	return w.put.outcome;
}

static inline enum store_outcome put(const struct record *r)
{
	return put_to(store, r);
}

static inline struct record record(int64_t time, const char *event,
	const char *trigger, const char *status, bool final)
{
	struct event e = {.id = (char *)(uintptr_t)event,
		.source = (char *)(uintptr_t)"hub",
		.repository = (char *)(uintptr_t)"shop/web",
		.tag = (char *)(uintptr_t)"v1"};
	struct record r;

	record_from_event(&r, &e, trigger, 1, status, time);
	r.final = final;
	return r;
}

static inline enum store_outcome put_simple(int64_t time, const char *event,
	const char *trigger, const char *status, bool final)
{
	struct record r = record(time, event, trigger, status, final);

	return put(&r);
}

/* ---- reading -------------------------------------------------------------- */

struct rows {
	struct strbuf ids; /* "ID ID ID" */
	struct query_cursor last;
	VEC(struct record) list;
};

static inline int collect(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct rows *rows = ctx;
	struct record copy = {0};

	strbuf_addf(&rows->ids, "%s%s", rows->ids.len ? " " : "", r->id);
	rows->last = *at;
	field_copy(&record_table, &copy, r);
	VEC_PUSH(&rows->list, copy);
	return 0;
}

static inline void rows_release(struct rows *rows)
{
	for (size_t i = 0; i < rows->list.n; i++)
		field_release(&record_table, &rows->list.v[i]);
	VEC_RELEASE(&rows->list);
	strbuf_release(&rows->ids);
}

static inline void run(const struct query *q, struct rows *rows)
{
	struct err err = {0};

	if (store_query(store, q, collect, rows, &err) < 0)
		fail_msg("%s", err.text);
}

static inline void expect(const struct query *q, const char *ids)
{
	struct rows rows = {0};

	run(q, &rows);
	assert_string_equal(strbuf_cstr(&rows.ids), ids);
	rows_release(&rows);
}

static inline void get(const char *id, struct rows *rows, int want)
{
	struct err err = {0};

	assert_int_equal(store_get(store, id, collect, rows, &err), want);
}

static inline void fill(struct record *r)
{
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];
		char *p = (char *)r + f->offset;

		if (f->type == FIELD_I64)
			*(int64_t *)p = 1000 + (int64_t)i;
		else if (f->type == FIELD_BOOL)
			*(bool *)p = true;
		else
			*(char **)p = xprintf("%s 'quoted\" \xE2\x82\xAC\n",
				f->name);
	}
}

static inline void without_server(void **state)
{
	(void)state;
	skip(); /* PULLWIRE_POSTGRESQL=URL names one */
}

static inline bool is_sqlite(void)
{
	return strncmp(url, "sqlite:", 7) == 0;
}

/* Changes rows behind the store's back; %s is the table. */
static inline void change(const char *fmt)
{
	struct err err = {0};
	char sql[200];
	struct db *db;

	snprintf(sql, sizeof(sql), fmt,
		is_sqlite() ? "record" : "pullwire_record");
	if (!is_sqlite()) {
		run_sql("SET search_path TO t%d; %s", (int)getpid(), sql);
		return;
	}
	db = db_open(url + 7, &sqlite_schema, false, &err);
	if (db == NULL || db_exec(db, sql, &err) < 0)
		fail_msg("%s", err.text);
	db_close(db);
}

#endif
