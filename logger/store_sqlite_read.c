/*
 * Reading rows, on connections of its own: a snapshot that no writer waits
 * for.
 */
#include "logger/store_sqlite.h"

#include <inttypes.h>

#define QUERY_MS 2000
#define READERS_KEPT 8 /* idle connections */

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

static struct db *take_reader(struct sqlite *q, struct err *err)
{
	struct db *db = NULL;

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

/* The filters that are texts; numbers stand in the statement themselves. */
struct filter {
	const char *sql, *text;
};

#define FILTERS 5

static size_t filters_of(const struct query *q, struct filter v[FILTERS])
{
	const struct filter all[FILTERS] = {
		{"event = ?", q->event},
		{"\"trigger\" = ?", q->trigger},
		{"repository = ?", q->repository},
		{"tag = ?", q->tag},
		{"status = ?", q->status},
	};
	size_t n = 0;

	for (size_t i = 0; i < FILTERS; i++) {
		if (all[i].text != NULL)
			v[n++] = all[i];
	}
	return n;
}

static void add_range(const struct query *q, struct strbuf *sql)
{
	if (q->since != 0)
		strbuf_addf(sql, " AND time >= %" PRId64, q->since);
	if (q->until != 0)
		strbuf_addf(sql, " AND time < %" PRId64, q->until);
	if (q->after.seq != 0 && q->order == QUERY_AS_STORED)
		strbuf_addf(sql, " AND seq > %" PRId64, q->after.seq);
	if (q->after.seq != 0 && q->order != QUERY_AS_STORED)
		strbuf_addf(sql, " AND (time, seq) < (%" PRId64 ", %" PRId64
				 ")", q->after.time, q->after.seq);
}

static void select_text(const struct query *q, const struct filter *v,
	size_t n, struct strbuf *sql)
{
	strbuf_add_cstr(sql, q->order == QUERY_OLDEST_FIRST
			? "SELECT * FROM (SELECT " : "SELECT ");
	sqlite_columns(sql);
	strbuf_add_cstr(sql, ", seq FROM record WHERE true");
	for (size_t i = 0; i < n; i++)
		strbuf_addf(sql, " AND %s", v[i].sql);
	add_range(q, sql);
	strbuf_addf(sql, " ORDER BY %s LIMIT %" PRId64,
		q->order == QUERY_AS_STORED ? "seq" : "time DESC, seq DESC",
		q->limit);
	if (q->order == QUERY_OLDEST_FIRST)
		strbuf_add_cstr(sql, ") ORDER BY time, seq");
}

/* Calls row for each row of the statement: how many, or -1. */
static int each_row(struct db_stmt *s, store_row_fn *row, void *ctx,
	struct err *err)
{
	int rc, n = 0;

	while ((rc = db_step(s, err)) > 0) {
		struct record r = {0};
		struct query_cursor at;

		read_record(s, &r);
		at.time = r.time;
		at.seq = db_col_i64(s, (int)record_table.n);
		n++;
		if (row(ctx, &r, &at) != 0) {
			db_reset(s);
			break;
		}
	}
	return rc < 0 ? -1 : n;
}

static int run_query(struct db *db, const struct query *q, store_row_fn *row,
	void *ctx, struct err *err)
{
	struct filter v[FILTERS];
	size_t n = filters_of(q, v);
	struct strbuf sql = {0};
	struct db_stmt *s;

	select_text(q, v, n, &sql);
	s = db_prepare_dynamic(db, strbuf_cstr(&sql), err);
	strbuf_release(&sql);
	if (s == NULL)
		return -1;
	for (size_t i = 0; i < n; i++)
		db_bind_str(s, (int)i + 1, v[i].text);
	return each_row(s, row, ctx, err);
}

int sqlite_query(struct store *s, const struct query *q,
	store_row_fn *row, void *ctx, struct err *err)
{
	struct db *db = take_reader(sqlite_of(s), err);
	int rc;

	if (db == NULL)
		return -1;
	rc = run_query(db, q, row, ctx, err);
	give_reader(sqlite_of(s), db, rc < 0);
	return rc < 0 ? -1 : 0;
}

int sqlite_get(struct store *s, const char *id, store_row_fn *row,
	void *ctx, struct err *err)
{
	struct db *db = take_reader(sqlite_of(s), err);
	struct strbuf sql = {0};
	struct db_stmt *st;
	int rc = -1;

	if (db == NULL)
		return -1;
	strbuf_add_cstr(&sql, "SELECT ");
	sqlite_columns(&sql);
	strbuf_add_cstr(&sql, ", seq FROM record WHERE id = ?");
	st = db_prepare_dynamic(db, strbuf_cstr(&sql), err);
	strbuf_release(&sql);
	if (st != NULL) {
		db_bind_str(st, 1, id);
		rc = each_row(st, row, ctx, err);
	}
	give_reader(sqlite_of(s), db, rc < 0);
	return rc;
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
