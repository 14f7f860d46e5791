/*
 * Rows in SQLite. A column has the name of the record's field; the record's
 * table says which there are, so no list of fields is spelled twice. Both
 * promises of store.h are also indexes of the file, so that no bug of ours
 * can break them unseen.
 */
#include "logger/store_sqlite.h"

#include "logger/row_sum.h"
#include "logger/store_sql.h"
#include "proto/base/fail.h"

static const char *const migrations[] = {
	"CREATE TABLE record ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" time INTEGER NOT NULL,"
	" id TEXT NOT NULL UNIQUE,"
	" event TEXT NOT NULL,"
	" \"trigger\" TEXT,"
	" source TEXT, repository TEXT, tag TEXT, digest TEXT,"
	" status TEXT NOT NULL,"
	" final INTEGER NOT NULL,"
	" reason TEXT, target TEXT,"
	" attempt INTEGER NOT NULL, attempts INTEGER NOT NULL,"
	" next_attempt INTEGER NOT NULL,"
	" duration_ms TEXT, url TEXT, request TEXT, response TEXT,"
	" from_digest TEXT, to_digest TEXT, instance TEXT);"
	"CREATE UNIQUE INDEX record_one_final"
	" ON record(event, ifnull(\"trigger\", '')) WHERE final;"
	"CREATE INDEX record_time ON record(time);"
	"CREATE INDEX record_event ON record(event, time);"
	"CREATE INDEX record_trigger ON record(\"trigger\", time);"
	"CREATE INDEX record_repository ON record(repository, time);"
	"CREATE INDEX record_status ON record(status, time);",
	"ALTER TABLE record ADD COLUMN generation TEXT;",
	"CREATE INDEX record_tag ON record(tag, time);"
	"CREATE INDEX record_trigger_status"
	" ON record(\"trigger\", status, time);"
	/* Has all that the counts of a span ask for. */
	"CREATE INDEX record_outcome"
	" ON record(time, \"trigger\", status) WHERE final;",
	"ALTER TABLE record ADD COLUMN checksum INTEGER;"
	"CREATE TABLE record_sums (since INTEGER NOT NULL);"
	"INSERT INTO record_sums SELECT ifnull(max(seq), 0) + 1 FROM record;",
};

const struct db_schema sqlite_schema = {
	.name = "access log", .migrations = migrations,
	.n = ARRAY_LEN(migrations),
	/* A group's rows touch many pages of ten indexes. */
	.cache_mib = 48};

/* ---- a record's columns -------------------------------------------------- */

static char *insert_text(void)
{
	struct strbuf sql = {0};
	/* The mutation that the tests must catch: who comes last is kept. */
	bool last = FAIL_POINT("log.first");

	strbuf_addf(&sql, "INSERT %sINTO record (", last ? "OR REPLACE " : "");
	store_sql_columns(&sql);
	strbuf_add_cstr(&sql, ", checksum) VALUES (");
	for (size_t i = 0; i < record_table.n; i++)
		strbuf_add_cstr(&sql, "?, ");
	strbuf_addf(&sql, "?)%s", last ? "" : " ON CONFLICT DO NOTHING");
	return strbuf_detach(&sql);
}

static void bind_record(struct db_stmt *s, const struct record *r)
{
	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];
		const char *p = (const char *)r + f->offset;
		int at = (int)i + 1;

		switch (f->type) {
		case FIELD_STR:
		case FIELD_JSON:
			db_bind_str(s, at, store_sql_text(*(char *const *)p));
			break;
		case FIELD_I64:
			db_bind_i64(s, at, *(const int64_t *)p);
			break;
		case FIELD_BOOL:
			db_bind_i64(s, at, *(const bool *)p);
			break;
		default:
			BUG("a record has no field of %s's type", f->name);
		}
	}
	db_bind_i64(s, (int)record_table.n + 1, row_sum(r));
}

/* ---- writing -------------------------------------------------------------- */

/* 1: stored; 0: what is there already keeps it out; -1. */
static int insert(struct db *db, struct store_put *put, struct err *err)
{
	struct db_stmt *s = db_prepare(db, sqlite_of(put->store)->insert, err);

	if (s == NULL)
		return -1;
	bind_record(s, &put->record);
	if (db_step(s, err) < 0)
		return -1;
	return db_changes(db) > 0;
}

/* A final row that was kept out is there already, or another one is: as one
 * that is not final, only the first keeps it out. */
static int apply_put(struct db *db, void *ctx, struct err *err)
{
	struct store_put *put = ctx;
	int rc = insert(db, put, err);

	put->outcome = rc > 0 ? STORE_NEW : STORE_REPEATED;
	if (rc != 0 || !put->record.final)
		return rc < 0 ? -1 : 0;
	store_sql_take_final_back(&put->record);
	rc = insert(db, put, err);
	if (rc > 0)
		put->outcome = STORE_EXTRA_FINAL;
	return rc < 0 ? -1 : 0;
}

static void put_done(void *ctx, const struct err *err)
{
	struct store_put *put = ctx;

	put->done(put, err);
}

static int sqlite_put(struct store *s, struct store_put *put)
{
	const struct db_write w = {apply_put, put_done, put};

	put->store = s;
	return db_writer_put(sqlite_of(s)->writer, &w);
}

static int delete_rows(struct db *db, int64_t before, int64_t max,
	int64_t *pruned, struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"DELETE FROM record WHERE seq IN (SELECT seq FROM record "
		"WHERE time < ? ORDER BY time LIMIT ?)", err);

	if (s == NULL)
		return -1;
	db_bind_i64(s, 1, before);
	db_bind_i64(s, 2, max);
	if (db_step(s, err) < 0)
		return -1;
	*pruned += db_changes(db);
	return 0;
}

/* Bytes of the file that are in use; what was deleted is free for new rows. */
static int used_bytes(struct db *db, int64_t *bytes, struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"SELECT (page_count - freelist_count) * page_size FROM "
		"pragma_page_count, pragma_freelist_count, pragma_page_size",
		err);

	if (s == NULL || db_step(s, err) <= 0)
		return -1;
	*bytes = db_col_i64(s, 0);
	db_reset(s);
	return 0;
}

static int apply_prune(struct db *db, void *ctx, struct err *err)
{
	struct store_prune *prune = ctx;
	int64_t bytes;

	prune->pruned = 0;
	if (delete_rows(db, prune->before, prune->max, &prune->pruned,
		    err) < 0)
		return -1;
	if (prune->max_bytes == 0 || prune->pruned == prune->max)
		return 0;
	if (used_bytes(db, &bytes, err) < 0)
		return -1;
	if (bytes <= prune->max_bytes)
		return 0;
	return delete_rows(db, INT64_MAX, prune->max - prune->pruned,
		&prune->pruned, err);
}

static void prune_done(void *ctx, const struct err *err)
{
	struct store_prune *prune = ctx;

	prune->done(prune, err);
}

static int sqlite_prune(struct store *s, struct store_prune *prune)
{
	const struct db_write w = {apply_prune, prune_done, prune};

	return db_writer_put(sqlite_of(s)->writer, &w);
}

/* ---- life ----------------------------------------------------------------- */

static void sqlite_close(struct store *s)
{
	struct sqlite *q = sqlite_of(s);

	/* The writer last: who closes last, and may write, tidies the log. */
	for (size_t i = 0; i < q->idle.n; i++)
		db_close(q->idle.v[i]);
	db_writer_stop(q->writer);
	VEC_RELEASE(&q->idle);
	pthread_mutex_destroy(&q->lock);
	free(q->insert);
	free(q->path);
	free(q);
}

static struct store *sqlite_open(const struct store_config *c,
	struct err *err)
{
	const char *where = c->url + sizeof("sqlite:") - 1;
	struct sqlite *q = xcalloc(1, sizeof(*q));
	int64_t seq;

	q->base.driver = &store_sqlite;
	q->path = xstrdup(where);
	q->insert = insert_text();
	pthread_mutex_init(&q->lock, NULL);
	if (!c->readonly) {
		q->writer = db_writer_start(where, &sqlite_schema, err);
		if (q->writer == NULL)
			goto failed;
	}
	if (sqlite_last(&q->base, &seq, err) == 0) /* a fault shows now */
		return &q->base;
failed:
	sqlite_close(&q->base);
	return NULL;
}

const struct store_driver store_sqlite = {
	.names = {"sqlite"},
	.open = sqlite_open,
	.close = sqlite_close,
	.put = sqlite_put,
	.prune = sqlite_prune,
	.query = sqlite_query,
	.get = sqlite_get,
	.last = sqlite_last,
	.count = sqlite_count,
};
