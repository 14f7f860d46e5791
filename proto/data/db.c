#include "proto/data/db.h"

#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/vec.h"
#include "proto/data/db_file.h"
#include "proto/data/db_wal.h"

#include <errno.h>
#include <sqlite3.h>

#define BUSY_MS 5000
#define CLOCK_OPS 2000 /* instructions between two looks at the clock */

struct db_stmt {
	sqlite3_stmt *s;
	const char *sql; /* a literal; NULL when dynamic */
	struct db *db;
};

struct db {
	sqlite3 *h;
	char *path;
	int64_t limit, deadline; /* ms; 0: none */
	VEC(struct db_stmt *) cache;
};

/* ---- errors --------------------------------------------------------------- */

/* SQLite says that a file is corrupt also when a read of it failed in one of
 * these ways; callers clear errno before they ask it for something. */
static bool was_read_error(int error)
{
	return error == EIO || error == ENXIO || error == ERANGE;
}

static int fault(const struct db *db, struct err *err)
{
	int error = errno;
	int code = sqlite3_extended_errcode(db->h);
	const char *text = sqlite3_errmsg(db->h);
	int os = sqlite3_system_errno(db->h);

	if ((code & 0xff) == SQLITE_CORRUPT && was_read_error(error))
		return err_set(err, ERR_RETRY, code, "%s cannot be read: %s",
			db->path, strerror(error));
	switch (code & 0xff) {
	case SQLITE_FULL:
		return err_set(err, ERR_RETRY, code,
			"%s: the disk is full: free space there", db->path);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_IOERR:
		return err_set(err, ERR_RETRY, code, "%s: %s (%d)%s%s", db->path,
			text, code, os ? ": " : "", os ? strerror(os) : "");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_NOMEM:
		return err_set(err, ERR_RETRY, code, "%s: %s (%d)", db->path,
			text, code);
	case SQLITE_INTERRUPT:
		return err_set(err, ERR_RETRY, code,
			"%s: the query took longer than %lld ms: ask for less",
			db->path, (long long)db->limit);
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return err_set(err, ERR_FAIL, code,
			"%s: the file is damaged: %s; move it away or restore "
			"it", db->path, text);
	default:
		return err_set(err, ERR_FAIL, code, "%s: %s (%d)", db->path,
			text, code);
	}
}

/* ---- open ------------------------------------------------------------------ */

/* The schema's name as an application_id: FNV-1a. */
static int64_t schema_id(const struct db_schema *schema)
{
	uint32_t h = 2166136261u;

	for (const char *p = schema->name; *p; p++)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return (int64_t)(h & 0x7fffffff);
}

static int pragma_get(struct db *db, const char *sql, int64_t *out,
	struct err *err)
{
	struct db_stmt *s = db_prepare_dynamic(db, sql, err);
	int rc;

	if (!s)
		return -1;
	rc = db_step(s, err);
	if (rc == 1) {
		*out = db_col_i64(s, 0);
		db_reset(s);
	}
	return rc < 0 ? -1 : 0;
}

static int migrate(struct db *db, const struct db_schema *schema,
	int64_t version, struct err *err)
{
	char sql[96];

	if (version == (int64_t)schema->n)
		return 0;
	if (db_exec(db, "BEGIN IMMEDIATE", err) < 0)
		return -1;
	for (size_t i = (size_t)version; i < schema->n; i++)
		if (db_exec(db, schema->migrations[i], err) < 0)
			return -1;
	snprintf(sql, sizeof(sql),
		"PRAGMA application_id=%lld; PRAGMA user_version=%zu",
		(long long)schema_id(schema), schema->n);
	if (db_exec(db, sql, err) < 0)
		return -1;
	return db_exec(db, "COMMIT", err);
}

static int check_schema(struct db *db, const struct db_schema *schema,
	bool readonly, struct err *err)
{
	int64_t version = 0, id = 0, tables = 0;

	if (pragma_get(db, "PRAGMA user_version", &version, err) < 0 ||
		pragma_get(db, "PRAGMA application_id", &id, err) < 0 ||
		pragma_get(db, "SELECT count(*) FROM sqlite_schema", &tables,
			err) < 0)
		return -1;
	if (id != schema_id(schema) && (id || version || tables))
		return err_fail(err, "%s is not Pullwire's %s: name another "
				     "file", db->path, schema->name);
	if (version > (int64_t)schema->n)
		return err_fail(err, "%s was written by a newer Pullwire "
				     "(version %lld, this one knows %zu): "
				     "upgrade this one",
			db->path, (long long)version, schema->n);
	if (readonly && version < (int64_t)schema->n)
		return err_retry(err, "%s is of an older version; the daemon "
				      "brings it up to date when it starts",
			db->path);
	return readonly ? 0 : migrate(db, schema, version, err);
}

/* FULL: a commit is on the disk when it returns. Nothing less keeps the
 * promise; db.nofsync is the mutation that the tests must catch. */
static int configure(struct db *db, const struct db_schema *schema,
	bool readonly, struct err *err)
{
	char cache[48];

	sqlite3_busy_timeout(db->h, BUSY_MS);
	if (readonly)
		return db_exec(db, "PRAGMA query_only=1", err);
	snprintf(cache, sizeof(cache), "PRAGMA cache_size=-%d",
		(schema->cache_mib ? schema->cache_mib : 2) * 1024);
	if (db_exec(db, cache, err) < 0)
		return -1;
	if (db_exec(db, "PRAGMA journal_mode=WAL", err) < 0 ||
		db_exec(db, "PRAGMA foreign_keys=ON", err) < 0 ||
		db_exec(db, "PRAGMA journal_size_limit=16777216", err) < 0)
		return -1;
	return db_exec(db, FAIL_POINT("db.nofsync")
				   ? "PRAGMA synchronous=OFF"
				   : "PRAGMA synchronous=FULL", err);
}

struct db *db_open(const char *path, const struct db_schema *schema,
	bool readonly, struct err *err)
{
	int flags = SQLITE_OPEN_NOMUTEX | (readonly ? SQLITE_OPEN_READONLY
			: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	struct db *db;

	if (!readonly && (db_file_make(path, err) < 0 ||
				 db_wal_check(path, err) < 0))
		return NULL;
	db = xcalloc(1, sizeof(*db));
	db->path = xstrdup(path);
	if (sqlite3_open_v2(path, &db->h, flags, NULL) != SQLITE_OK) {
		fault(db, err);
	} else {
		sqlite3_extended_result_codes(db->h, 1);
		if (configure(db, schema, readonly, err) == 0 &&
			check_schema(db, schema, readonly, err) == 0)
			return db;
	}
	db_close(db);
	return NULL;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->cache.n; i++) {
		sqlite3_finalize(db->cache.v[i]->s);
		free(db->cache.v[i]);
	}
	VEC_RELEASE(&db->cache);
	sqlite3_close_v2(db->h);
	free(db->path);
	free(db);
}

static int over_time(void *ctx)
{
	const struct db *db = ctx;

	return db->deadline && clock_mono() > db->deadline;
}

void db_time_limit(struct db *db, int64_t ms)
{
	db->limit = ms;
	sqlite3_progress_handler(db->h, CLOCK_OPS, ms ? over_time : NULL, db);
}

/* ---- statements ------------------------------------------------------------ */

static struct db_stmt *prepare(struct db *db, const char *sql, bool keep,
	struct err *err)
{
	struct db_stmt *s = xcalloc(1, sizeof(*s));

	db->deadline = db->limit ? clock_mono() + db->limit : 0;
	s->db = db;
	s->sql = keep ? sql : NULL;
	errno = 0;
	if (sqlite3_prepare_v3(db->h, sql, -1,
		    keep ? SQLITE_PREPARE_PERSISTENT : 0, &s->s, NULL) ==
		SQLITE_OK)
		return s;
	fault(db, err);
	free(s);
	return NULL;
}

struct db_stmt *db_prepare(struct db *db, const char *sql, struct err *err)
{
	struct db_stmt *s;

	for (size_t i = 0; i < db->cache.n; i++) {
		s = db->cache.v[i];
		if (s->sql == sql) {
			db->deadline = db->limit ? clock_mono() + db->limit : 0;
			db_reset(s); /* its last reader may have left early */
			return s;
		}
	}
	s = prepare(db, sql, true, err);
	if (s)
		VEC_PUSH(&db->cache, s);
	return s;
}

struct db_stmt *db_prepare_dynamic(struct db *db, const char *sql,
	struct err *err)
{
	return prepare(db, sql, false, err);
}

/* A failed bind (out of memory, a position that is not there) is a bug. */
static void bound(const struct db_stmt *s, int rc)
{
	if (rc != SQLITE_OK)
		BUG("bind to %s: %s", sqlite3_sql(s->s), sqlite3_errstr(rc));
}

void db_bind_i64(struct db_stmt *s, int i, int64_t v)
{
	bound(s, sqlite3_bind_int64(s->s, i, v));
}

void db_bind_str(struct db_stmt *s, int i, const char *v)
{
	bound(s, v ? sqlite3_bind_text(s->s, i, v, -1, SQLITE_TRANSIENT)
		   : sqlite3_bind_null(s->s, i));
}

void db_bind_blob(struct db_stmt *s, int i, struct str v)
{
	bound(s, sqlite3_bind_blob64(
			 s->s, i, v.p ? v.p : "", v.n, SQLITE_TRANSIENT));
}

int db_step(struct db_stmt *s, struct err *err)
{
	int rc;

	errno = 0;
	rc = sqlite3_step(s->s);
	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		fault(s->db, err);
	db_reset(s);
	return rc == SQLITE_DONE ? 0 : -1;
}

void db_reset(struct db_stmt *s)
{
	if (!s->sql) {
		sqlite3_finalize(s->s);
		free(s);
		return;
	}
	sqlite3_reset(s->s);
	sqlite3_clear_bindings(s->s);
}

int64_t db_col_i64(struct db_stmt *s, int i)
{
	return sqlite3_column_int64(s->s, i);
}

const char *db_col_str(struct db_stmt *s, int i)
{
	return (const char *)sqlite3_column_text(s->s, i);
}

struct str db_col_blob(struct db_stmt *s, int i)
{
	const char *p = sqlite3_column_blob(s->s, i);

	return (struct str){p, (size_t)sqlite3_column_bytes(s->s, i)};
}

bool db_col_null(struct db_stmt *s, int i)
{
	return sqlite3_column_type(s->s, i) == SQLITE_NULL;
}

int64_t db_changes(struct db *db)
{
	return sqlite3_changes(db->h);
}

int db_exec(struct db *db, const char *sql, struct err *err)
{
	errno = 0;
	if (sqlite3_exec(db->h, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return fault(db, err);
}
