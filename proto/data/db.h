/*
 * SQLite behind the three things we need: a file opened the way that keeps
 * promises (WAL, synchronous=FULL, foreign keys, busy timeout), numbered
 * migrations, and a writer thread that commits what has arrived as one group.
 * Only file with sqlite3.h.
 *
 * After a failed commit or fsync the file is not trusted: the whole group
 * fails; before the next group the connection is opened anew and the log is
 * written back whole, because a second fsync of the same pages might succeed
 * without having written them.
 */
#ifndef PROTO_DATA_DB_H
#define PROTO_DATA_DB_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

struct db; /* one connection; used by one thread at a time */

/* Migration i takes the schema from version i to i + 1; SQL text. */
struct db_schema {
	const char *name; /* application; kept in the file, checked at open */
	const char *const *migrations;
	size_t n;
	int cache_mib; /* pages that a writer keeps at most; 0: SQLite's 2 */
};

/* Opens or creates (folders 0700, file 0600); runs missing migrations in a
 * transaction. A file of a newer version or of another application is refused.
 * readonly needs the file to exist and runs no migration; it may be open
 * beside a writer. */
struct db *db_open(const char *path, const struct db_schema *schema,
	bool readonly, struct err *err);
void db_close(struct db *db); /* NULL is fine */
/* From now on a statement may run for ms between its prepare and its last
 * step, then it fails (ERR_RETRY); 0: no limit. */
void db_time_limit(struct db *db, int64_t ms);

/* One statement at a time: prepare (cached by its text, which must be a
 * literal), bind by position from 1, step, read columns from 0, reset. */
struct db_stmt;
struct db_stmt *db_prepare(struct db *db, const char *sql, struct err *err);
void db_bind_i64(struct db_stmt *s, int i, int64_t v);
void db_bind_str(struct db_stmt *s, int i, const char *v); /* NULL: null */
void db_bind_blob(struct db_stmt *s, int i, struct str v);
/* 1: a row; 0: done; -1: error. After 0 or -1 the statement is reset. */
int db_step(struct db_stmt *s, struct err *err) MUST_CHECK;
void db_reset(struct db_stmt *s);
int64_t db_col_i64(struct db_stmt *s, int i);
const char *db_col_str(struct db_stmt *s, int i); /* NULL: null; borrowed */
struct str db_col_blob(struct db_stmt *s, int i); /* borrowed */
bool db_col_null(struct db_stmt *s, int i);
int64_t db_changes(struct db *db);
/* Runs a statement without rows, e.g. "DELETE …". */
int db_exec(struct db *db, const char *sql, struct err *err) MUST_CHECK;
/* Text SQL built at run time (filters); finalised by db_reset. */
struct db_stmt *db_prepare_dynamic(struct db *db, const char *sql,
	struct err *err);

/*
 * The writer: a thread that owns a connection. db_writer_put() queues a
 * write; the thread runs what has queued up inside one transaction, commits
 * (synchronous=FULL) and then calls each done, on the writer thread, with
 * NULL or with the error that undid the whole group. apply returns 0 or -1;
 * -1 undoes the group and every write of it is told. Never waits for more.
 */
struct db_writer;
struct db_write {
	int (*apply)(struct db *db, void *ctx, struct err *err);
	void (*done)(void *ctx, const struct err *err);
	void *ctx;
};

/* Takes a lock beside the file; a second writer is refused by name. */
struct db_writer *db_writer_start(const char *path,
	const struct db_schema *schema, struct err *err);
/* 0, or -1 when 65,536 writes wait already or the writer is stopping: then
 * done is not called. */
int db_writer_put(struct db_writer *w, const struct db_write *write);
/* As put, and waits: 0 or -1 with the group's error. Not on the writer. */
int db_writer_sync(struct db_writer *w, const struct db_write *write,
	struct err *err);
/* Finishes what is queued, closes. */
void db_writer_stop(struct db_writer *w);

#endif
