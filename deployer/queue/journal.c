#include "deployer/queue/journal.h"

#include "proto/base/mem.h"
#include "proto/base/vec.h"

struct entry {
	char *key, *note;
};

/* One call; all of it runs on the writer's thread, the caller waits. */
struct call {
	const char *sql; /* of a look */
	const char *key, *note; /* the key: a job's id, a lane, ... */
	VEC(struct entry) found;
	bool unknown; /* no error of apply: that would undo other writes */
};

static struct db_writer *writer_of(struct journal *j)
{
	return CONTAINER_OF(j, struct journal_db, journal)->writer;
}

static int run(struct journal *j,
	int (*apply)(struct db *db, void *ctx, struct err *err),
	struct call *call, struct err *err)
{
	struct db_write write = {.apply = apply, .ctx = call};

	return db_writer_sync(writer_of(j), &write, err);
}

static int run_stmt(struct db_stmt *s, struct err *err)
{
	return db_step(s, err) < 0 ? -1 : 0;
}

/* ---- put ----------------------------------------------------------------- */

static int apply_put(struct db *db, void *ctx, struct err *err)
{
	struct call *c = ctx;
	struct db_stmt *s = db_prepare(db,
		"UPDATE journal SET note = ?2 WHERE job = ?1", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, c->key);
	db_bind_str(s, 2, c->note);
	if (run_stmt(s, err) < 0)
		return -1;
	if (db_changes(db) > 0)
		return 0;
	s = db_prepare(db,
		"INSERT INTO journal (job, lane, note) "
		"SELECT id, lane, ?2 FROM jobs WHERE id = ?1", err);
	if (!s)
		return -1;
	db_bind_str(s, 1, c->key);
	db_bind_str(s, 2, c->note);
	if (run_stmt(s, err) < 0)
		return -1;
	c->unknown = db_changes(db) == 0;
	return 0;
}

static int put(struct journal *j, const char *job, const char *json,
	struct err *err)
{
	struct call call = {.key = job, .note = json};

	if (strlen(json) > JOURNAL_NOTE_MAX)
		return err_retry(err, "a journal entry of %zu bytes is over "
				      "the limit of %zu", strlen(json),
			JOURNAL_NOTE_MAX);
	if (run(j, apply_put, &call, err) < 0)
		return -1;
	return call.unknown ? err_retry(err, "the queue has no job %s", job)
			    : 0;
}

/* ---- del ------------------------------------------------------------------ */

static int apply_del(struct db *db, void *ctx, struct err *err)
{
	struct call *c = ctx;
	struct db_stmt *s = db_prepare(
		db, "DELETE FROM journal WHERE job = ?1", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, c->key);
	return run_stmt(s, err);
}

static int del(struct journal *j, const char *job, struct err *err)
{
	struct call call = {.key = job};

	return run(j, apply_del, &call, err);
}

/* ---- keep ------------------------------------------------------------------ */

static int apply_keep(struct db *db, void *ctx, struct err *err)
{
	struct call *c = ctx;
	struct db_stmt *s = db_prepare(db, c->note
			? "INSERT OR REPLACE INTO driver_kept (key, value) "
			  "VALUES (?1, ?2)"
			: "DELETE FROM driver_kept WHERE key = ?1", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, c->key);
	if (c->note)
		db_bind_str(s, 2, c->note);
	return run_stmt(s, err);
}

static int keep(struct journal *j, const char *key, const char *json,
	struct err *err)
{
	struct call call = {.key = key, .note = json};

	return run(j, apply_keep, &call, err);
}

/* ---- looks ----------------------------------------------------------------- */

static void found_release(struct call *c)
{
	for (size_t i = 0; i < c->found.n; i++) {
		free(c->found.v[i].key);
		free(c->found.v[i].note);
	}
	VEC_RELEASE(&c->found);
}

/* A group may be undone and run again: starts from nothing each time. */
static int apply_look(struct db *db, void *ctx, struct err *err)
{
	struct call *c = ctx;
	struct db_stmt *s = db_prepare(db, c->sql, err);
	int rc;

	found_release(c);
	if (!s)
		return -1;
	db_bind_str(s, 1, c->key);
	while ((rc = db_step(s, err)) > 0) {
		struct entry e = {xstrdup(db_col_str(s, 0)),
			xstrdup(db_col_str(s, 1))};

		VEC_PUSH(&c->found, e);
	}
	return rc;
}

/* What sql, a literal, finds by key, its ?1; release it in any case. */
static int look(struct journal *j, const char *sql, const char *key,
	struct call *call, struct err *err)
{
	*call = (struct call){.sql = sql, .key = key};
	return run(j, apply_look, call, err);
}

/* The note of the first of them; NULL: there is none. */
static int look_first(struct journal *j, const char *sql, const char *key,
	char **json, struct err *err)
{
	struct call call;
	int rc = look(j, sql, key, &call, err);

	*json = NULL;
	if (rc == 0 && call.found.n) {
		*json = call.found.v[0].note;
		call.found.v[0].note = NULL;
	}
	found_release(&call);
	return rc;
}

static int get(struct journal *j, const char *job, char **json,
	struct err *err)
{
	return look_first(j, "SELECT job, note FROM journal WHERE job = ?1",
		job, json, err);
}

static int each(struct journal *j, const char *lane,
	int (*fn)(void *ctx, const char *job, const char *json), void *ctx,
	struct err *err)
{
	struct call call;
	int rc = look(j,
		"SELECT journal.job, journal.note FROM journal "
		"LEFT JOIN jobs ON jobs.id = journal.job "
		"WHERE journal.lane = ?1 ORDER BY jobs.seq",
		lane, &call, err);

	for (size_t i = 0; rc == 0 && i < call.found.n; i++)
		if (fn(ctx, call.found.v[i].key, call.found.v[i].note) != 0)
			break;
	found_release(&call);
	return rc;
}

static int kept(struct journal *j, const char *key, char **json,
	struct err *err)
{
	return look_first(j, "SELECT key, value FROM driver_kept WHERE key = ?1",
		key, json, err);
}

static int kept_each(struct journal *j, const char *prefix,
	void (*fn)(void *ctx, const char *key, const char *json), void *ctx,
	struct err *err)
{
	struct call call;
	int rc = look(j,
		"SELECT key, value FROM driver_kept "
		"WHERE substr(key, 1, length(?1)) = ?1",
		prefix, &call, err);

	for (size_t i = 0; rc == 0 && i < call.found.n; i++)
		fn(ctx, call.found.v[i].key, call.found.v[i].note);
	found_release(&call);
	return rc;
}

void journal_init(struct journal_db *j, struct db_writer *writer)
{
	j->journal = (struct journal){
		.put = put, .get = get, .del = del, .each = each,
		.keep = keep, .kept = kept, .kept_each = kept_each};
	j->writer = writer;
}
