/*
 * Reading rows, on connections of its own: a snapshot that no writer waits
 * for.
 */
#include "logger/store_sqlite.h"

#include <sys/stat.h>

#include "logger/row_sum.h"
#include "logger/store_sql.h"
#include "proto/base/clock.h"

#define QUERY_MS 2000
#define READERS_KEPT 8 /* idle connections */
#define WAL_MAX ((off_t)64 << 20) /* bytes */
#define GAP_MS 3000 /* that a query waits for it at most */

/* Texts are borrowed from the statement: valid until its next step. */
static void read_record(struct db_stmt *s, struct record *r)
{
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];
		char *p = (char *)r + f->offset;
		int at = (int)i;

		if (f->type == FIELD_I64)
			*(int64_t *)p = db_col_i64(s, at);
		else if (f->type == FIELD_BOOL)
			*(bool *)p = db_col_i64(s, at) != 0;
		else
			*(char **)p = (char *)(uintptr_t)db_col_str(s, at);
	}
}

/* Has the file's log of writes become long, and is it still written to? */
static bool wal_is_long(const char *wal)
{
	struct stat st;

	return stat(wal, &st) == 0 && st.st_size > WAL_MAX &&
		clock_wall() - (int64_t)st.st_mtim.tv_sec * 1000 < 2000;
}

/* The log of writes can begin anew only at a moment without readers. When they
 * follow each other without one it grows and grows, so new ones leave a gap. */
static void leave_gap(const struct sqlite *q)
{
	char *wal = xprintf("%s-wal", q->path);

	for (int64_t end = clock_mono() + GAP_MS;
		wal_is_long(wal) && clock_mono() < end;)
		clock_sleep(5);
	free(wal);
}

static struct db *take_reader(struct sqlite *q, struct err *err)
{
	struct db *db = NULL;

	leave_gap(q);
	pthread_mutex_lock(&q->lock);
	if (q->idle.n > 0)
		db = q->idle.v[--q->idle.n];
	pthread_mutex_unlock(&q->lock);
	if (db != NULL)
		return db;
	db = db_open(q->path, &sqlite_schema, true, err);
	if (db != NULL && q->writer != NULL)
		db_time_limit(db, QUERY_MS);
	return db;
}

/* A connection that failed is not used again. */
static void give_reader(struct sqlite *q, struct db *db, bool failed)
{
	bool keep = false;

	pthread_mutex_lock(&q->lock);
	if (!failed && q->idle.n < READERS_KEPT) {
		VEC_PUSH(&q->idle, db);
		keep = true;
	}
	pthread_mutex_unlock(&q->lock);
	if (!keep)
		db_close(db);
}

/* Who wants rows, and what it got. */
struct reading {
	store_read_fn *row;
	void *ctx;
	int n;
	struct query_cursor last;
	bool ended; /* it wants no more */
};

static void give(struct reading *to, const struct record *r, int64_t seq,
	int64_t sum)
{
	to->n++;
	to->last = (struct query_cursor){.time = r->time, .seq = seq};
	to->ended = to->row(to->ctx, r, &to->last, sum) != 0;
}

static int each_row(struct db_stmt *s, struct reading *to, struct err *err)
{
	int rc = 0;

	while (!to->ended && (rc = db_step(s, err)) > 0) {
		struct record r = {0};

		read_record(s, &r);
		give(to, &r, db_col_i64(s, (int)record_table.n),
			db_col_i64(s, (int)record_table.n + 1));
	}
	if (rc > 0)
		db_reset(s);
	return rc < 0 ? -1 : 0;
}

static struct db_stmt *prepare(struct db *db, struct store_sql *sql,
	struct err *err)
{
	struct db_stmt *s = db_prepare_dynamic(
		db, strbuf_cstr(&sql->text), err);

	for (size_t i = 0; s != NULL && i < sql->n; i++)
		db_bind_str(s, (int)i + 1, sql->params[i]);
	store_sql_release(sql);
	return s;
}

/* 0 or -1; releases sql. */
static int run(struct db *db, struct store_sql *sql, struct reading *to,
	struct err *err)
{
	struct db_stmt *s = prepare(db, sql, err);

	return s != NULL ? each_row(s, to, err) : -1;
}

/* ---- a damaged file --------------------------------------------------------- */

/* The row there, or when it cannot be read that it was there. A read that
 * failed is no damage: -1. */
static int rescue_row(struct db *db, const struct query_cursor *at,
	struct reading *to, struct err *err)
{
	const struct record unread = {.time = at->time};
	struct store_sql sql = {0};
	int before = to->n;

	store_sql_at(&sql, at->seq, "record");
	if (run(db, &sql, to, err) < 0 && err->cls != ERR_FAIL)
		return -1;
	if (to->n == before)
		give(to, &unread, at->seq, ROW_SUM_MISSING);
	return 0;
}

/* What damage keeps from being read together is read one by one, all of it at
 * one moment: what is deleted meanwhile is not missing. */
static int rescue(struct db *db, const struct query *q, struct reading *to,
	struct err *err)
{
	VEC(struct query_cursor) places = {0};
	struct store_sql sql = {0};
	struct db_stmt *s;
	int rc = -1;

	if (db_exec(db, "BEGIN", err) < 0)
		return -1;
	store_sql_places(&sql, q, "record");
	s = prepare(db, &sql, err);
	while (s != NULL && (rc = db_step(s, err)) > 0) {
		struct query_cursor at = {.seq = db_col_i64(s, 0),
			.time = db_col_i64(s, 1)};

		VEC_PUSH(&places, at);
	}
	for (size_t i = 0; rc == 0 && i < places.n && !to->ended; i++)
		rc = rescue_row(db, &places.v[i], to, err);
	VEC_RELEASE(&places);
	/* No COMMIT: it would tell of the damage again. */
	return rc == 0 ? db_exec(db, "ROLLBACK", err) : -1;
}

int sqlite_query(struct store *s, const struct query *q,
	store_read_fn *row, void *ctx, struct err *err)
{
	struct reading to = {.row = row, .ctx = ctx, .last = q->after};
	struct db *db = take_reader(sqlite_of(s), err);
	struct store_sql sql = {0};
	struct query rest = *q;
	int rc;

	if (db == NULL)
		return -1;
	store_sql_query(&sql, q, "record");
	rc = run(db, &sql, &to, err);
	if (rc < 0 && err->cls == ERR_FAIL) {
		rest.after = to.last;
		rest.limit -= to.n;
		rc = rescue(db, &rest, &to, err);
	}
	give_reader(sqlite_of(s), db, rc < 0);
	return rc;
}

int sqlite_get(struct store *s, const char *id, store_read_fn *row,
	void *ctx, struct err *err)
{
	struct reading to = {.row = row, .ctx = ctx};
	struct db *db = take_reader(sqlite_of(s), err);
	struct store_sql sql = {0};
	int rc;

	if (db == NULL)
		return -1;
	store_sql_get(&sql, id, "record");
	rc = run(db, &sql, &to, err);
	give_reader(sqlite_of(s), db, rc < 0);
	return rc < 0 ? -1 : to.n;
}

int sqlite_last(struct store *s, int64_t *seq, struct err *err)
{
	struct db *db = take_reader(sqlite_of(s), err);
	struct db_stmt *st;
	int rc = -1;

	if (db == NULL)
		return -1;
	st = db_prepare(db, "SELECT ifnull(max(seq), 0) FROM record", err);
	if (st != NULL)
		rc = db_step(st, err);
	if (rc > 0) {
		*seq = db_col_i64(st, 0);
		db_reset(st);
	}
	give_reader(sqlite_of(s), db, rc < 0);
	return rc < 0 ? -1 : 0;
}

int sqlite_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err)
{
	struct db *db = take_reader(sqlite_of(s), err);
	struct db_stmt *st;
	int rc = -1;

	if (db == NULL)
		return -1;
	st = db_prepare(db, "SELECT \"trigger\", status, count(*) FROM record "
		"WHERE final AND time >= ? AND time < ? GROUP BY 1, 2", err);
	if (st != NULL) {
		db_bind_i64(st, 1, since);
		db_bind_i64(st, 2, until);
		while ((rc = db_step(st, err)) > 0)
			fn(ctx, db_col_str(st, 0), db_col_str(st, 1),
				db_col_i64(st, 2));
	}
	give_reader(sqlite_of(s), db, rc < 0);
	return rc;
}
