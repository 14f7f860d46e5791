/* Reading rows, on connections of its own. */
#include "logger/store_postgresql.h"

#include "logger/store_sql.h"

#define READERS_KEPT 8 /* idle connections */

static struct pg *take_reader(struct postgresql *p, bool fresh,
	struct err *err)
{
	struct pg *pg = NULL;

	pthread_mutex_lock(&p->lock);
	if (!fresh && p->idle.n > 0)
		pg = p->idle.v[--p->idle.n];
	pthread_mutex_unlock(&p->lock);
	return pg != NULL ? pg : postgresql_connect(p, false, err);
}

static void give_reader(struct postgresql *p, struct pg *pg)
{
	bool keep = false;

	pthread_mutex_lock(&p->lock);
	if (!pg_lost(pg) && p->idle.n < READERS_KEPT) {
		VEC_PUSH(&p->idle, pg);
		keep = true;
	}
	pthread_mutex_unlock(&p->lock);
	if (!keep)
		pg_close(pg);
}

/* The server may have restarted since an idle connection was last used: what
 * fails on one before its first row is tried again on a fresh one. */
static int run(struct postgresql *p, const struct pg_statement *s,
	const bool *began, struct err *err)
{
	for (int try = 0;; try++) {
		struct pg *pg = take_reader(p, try > 0, err);
		bool lost;
		int rc;

		if (pg == NULL)
			return -1;
		rc = pg_query(pg, s, err);
		lost = pg_lost(pg);
		give_reader(p, pg);
		if (rc >= 0 || !lost || try > 0 || *began)
			return rc;
	}
}

struct reading {
	store_read_fn *row;
	void *ctx;
	bool began;
};

static int take_row(void *ctx, const struct pg_row *row)
{
	struct reading *reading = ctx;
	struct query_cursor at;
	struct record r = {0};

	reading->began = true;
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];
		char *p = (char *)&r + f->offset;

		if (f->type == FIELD_I64)
			*(int64_t *)p = pg_i64(row, (int)i);
		else if (f->type == FIELD_BOOL)
			*(bool *)p = pg_bool(row, (int)i);
		else /* borrowed from the row */
			*(char **)p = (char *)(uintptr_t)pg_str(row, (int)i);
	}
	at.time = r.time;
	at.seq = pg_i64(row, (int)record_table.n);
	return reading->row(reading->ctx, &r, &at,
		pg_i64(row, (int)record_table.n + 1));
}

/* How many rows, or -1; releases sql. */
static int run_sql(struct store *s, struct store_sql *sql, store_read_fn *row,
	void *ctx, struct err *err)
{
	struct reading reading = {row, ctx, false};
	const struct pg_statement statement = {
		.sql = strbuf_cstr(&sql->text),
		.params = sql->params,
		.n_params = (int)sql->n,
		.row = take_row,
		.ctx = &reading,
	};
	int rc = run(postgresql_of(s), &statement, &reading.began, err);

	store_sql_release(sql);
	return rc;
}

int postgresql_query(struct store *s, const struct query *q,
	store_read_fn *row, void *ctx, struct err *err)
{
	struct store_sql sql = {0};

	store_sql_query(&sql, q, POSTGRESQL_TABLE);
	return run_sql(s, &sql, row, ctx, err) < 0 ? -1 : 0;
}

int postgresql_get(struct store *s, const char *id, store_read_fn *row,
	void *ctx, struct err *err)
{
	struct store_sql sql = {0};

	store_sql_get(&sql, id, POSTGRESQL_TABLE);
	return run_sql(s, &sql, row, ctx, err);
}

static int take_last(void *ctx, const struct pg_row *r)
{
	*(int64_t *)ctx = pg_i64(r, 0);
	return 0;
}

int postgresql_last(struct store *s, int64_t *seq, struct err *err)
{
	const struct pg_statement statement = {
		.sql = "SELECT coalesce(max(seq), 0) FROM " POSTGRESQL_TABLE,
		.row = take_last,
		.ctx = seq,
	};
	bool began = false;

	return run(postgresql_of(s), &statement, &began, err) < 0 ? -1 : 0;
}

struct counting {
	store_count_fn *fn;
	void *ctx;
	bool began;
};

static int take_count(void *ctx, const struct pg_row *r)
{
	struct counting *counting = ctx;

	counting->began = true;
	counting->fn(counting->ctx, pg_str(r, 0), pg_str(r, 1), pg_i64(r, 2));
	return 0;
}

int postgresql_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err)
{
	struct counting counting = {fn, ctx, false};
	char from[24], to[24];
	const char *const params[] = {from, to};
	const struct pg_statement statement = {
		.sql = "SELECT \"trigger\", status, count(*) FROM "
		       POSTGRESQL_TABLE " WHERE final AND time >= $1::bigint "
		       "AND time < $2::bigint GROUP BY 1, 2",
		.params = params,
		.n_params = 2,
		.row = take_count,
		.ctx = &counting,
	};

	snprintf(from, sizeof(from), "%lld", (long long)since);
	snprintf(to, sizeof(to), "%lld", (long long)until);
	return run(postgresql_of(s), &statement, &counting.began, err) < 0
		? -1 : 0;
}
