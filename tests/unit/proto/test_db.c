#include "proto/data/db.h"

#include "proto/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const v1[] = {
	"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)"};
static const char *const v2[] = {
	"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, data BLOB)",
	"ALTER TABLE t ADD COLUMN extra INTEGER"};
static const struct db_schema schema1 = {"test", v1, 1, 0};
static const struct db_schema schema2 = {"test", v2, 2, 0};
static const struct db_schema other = {"other", v1, 1, 0};

static char dir[32], path[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-db-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/sub/t.db", dir);
	return 0;
}

static int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

static int insert(struct db *db, void *ctx, struct err *err)
{
	struct db_stmt *s =
		db_prepare(db, "INSERT INTO t(name, data) VALUES(?, ?)", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, ctx);
	db_bind_blob(s, 2, STR("a\0b"));
	return db_step(s, err);
}

static int64_t count(void)
{
	struct err err = {0};
	struct db *db = db_open(path, &schema1, true, &err);
	struct db_stmt *s;
	int64_t n;

	if (!db)
		fail_msg("%s", err.text);
	s = db_prepare(db, "SELECT count(*) FROM t", &err);
	assert_int_equal(db_step(s, &err), 1);
	n = db_col_i64(s, 0);
	db_reset(s);
	db_close(db);
	return n;
}

static void values_round_trip(void **state)
{
	struct err err = {0};
	struct db *db = db_open(path, &schema1, false, &err);
	struct db_stmt *s;

	(void)state;
	if (!db)
		fail_msg("%s", err.text);
	assert_int_equal(insert(db, "x", &err), 0);
	assert_int_equal(db_changes(db), 1);
	s = db_prepare(db, "SELECT id, name, data, NULL FROM t", &err);
	assert_int_equal(db_step(s, &err), 1);
	assert_int_equal(db_col_i64(s, 0), 1);
	assert_string_equal(db_col_str(s, 1), "x");
	assert_int_equal(db_col_blob(s, 2).n, 3);
	assert_memory_equal(db_col_blob(s, 2).p, "a\0b", 3);
	assert_true(db_col_null(s, 3));
	assert_int_equal(db_step(s, &err), 0);
	assert_int_equal(insert(db, "x", &err), -1); /* unique */
	assert_int_equal(err.cls, ERR_FAIL);
	assert_non_null(strstr(err.text, path));
	db_close(db);
}

static void versions(void **state)
{
	struct err err = {0};
	struct db *db = db_open(path, &schema1, false, &err);

	(void)state;
	assert_non_null(db);
	db_close(db);
	assert_null(db_open(path, &schema2, true, &err)); /* not migrated yet */
	db = db_open(path, &schema2, false, &err);
	assert_non_null(db);
	assert_int_equal(db_exec(db, "UPDATE t SET extra=1", &err), 0);
	db_close(db);
	assert_null(db_open(path, &schema1, false, &err));
	assert_non_null(strstr(err.text, "newer Pullwire"));
	assert_null(db_open(path, &other, false, &err));
	assert_non_null(strstr(err.text, "is not Pullwire's other"));
	assert_null(db_open("/proc/nothing/t.db", &schema1, false, &err));
}

/* Not ours: tables without our mark, or no SQLite file at all. */
static void other_files_are_refused(void **state)
{
	static const char *const none[] = {""};
	static const struct db_schema unmarked = {"x", none, 0, 0};
	struct err err = {0};
	struct db *db = db_open(path, &unmarked, false, &err);
	FILE *f;

	(void)state;
	assert_non_null(db);
	assert_int_equal(db_exec(db, "CREATE TABLE theirs(a)", &err), 0);
	db_close(db);
	assert_null(db_open(path, &schema1, false, &err));
	assert_non_null(strstr(err.text, "is not Pullwire's test"));
	f = fopen(path, "w");
	fputs("not a database, but longer than the header of one is......"
	      "........................................................",
		f);
	fclose(f);
	assert_null(db_open(path, &schema1, false, &err));
	assert_non_null(strstr(err.text, "is damaged"));
	assert_null(db_open("/nonexistent/t.db", &schema1, true, &err));
	assert_string_equal(err.text, "/nonexistent/t.db: unable to open "
		"database file (14): No such file or directory");
}

static void files_are_their_owners_alone(void **state)
{
	struct err err = {0};
	struct db *db = db_open(path, &schema1, false, &err);
	struct stat st;

	(void)state;
	assert_non_null(db);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	db_close(db);
}

/* A reader may leave before the last row; the statement serves again. */
static void statements_are_reused(void **state)
{
	struct err err = {0};
	struct db *db = db_open(path, &schema1, false, &err);
	struct db_stmt *s;

	(void)state;
	assert_non_null(db);
	assert_int_equal(insert(db, "a", &err), 0);
	assert_int_equal(insert(db, "b", &err), 0);
	for (int i = 0; i < 3; i++) {
		static const char sql[] =
			"SELECT name FROM t WHERE name >= ? ORDER BY name";

		s = db_prepare(db, sql, &err);
		db_bind_str(s, 1, i ? "b" : "a");
		assert_int_equal(db_step(s, &err), 1);
		assert_string_equal(db_col_str(s, 0), i ? "b" : "a");
	}
	db_close(db);
}

static void queries_end_in_time(void **state)
{
	struct err err = {0};
	struct db *db = db_open(path, &schema1, false, &err);
	struct db_stmt *s;

	(void)state;
	assert_non_null(db);
	db_time_limit(db, 20);
	s = db_prepare(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT "
			   "i + 1 FROM n) SELECT count(*) FROM n", &err);
	assert_int_equal(db_step(s, &err), -1);
	assert_int_equal(err.cls, ERR_RETRY);
	assert_non_null(strstr(err.text, "took longer than 20 ms"));
	assert_int_equal(insert(db, "a", &err), 0);
	db_close(db);
}

struct tally {
	pthread_mutex_t lock;
	int ok, failed;
};

static struct tally tally = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct row {
	char name[32];
};

static void row_done(void *ctx, const struct err *err)
{
	pthread_mutex_lock(&tally.lock);
	if (err)
		tally.failed++;
	else
		tally.ok++;
	pthread_mutex_unlock(&tally.lock);
	free(ctx);
}

static struct db_writer *writer;

static void *putter(void *arg)
{
	for (int i = 0; i < 500; i++) {
		struct row *r = xmalloc(sizeof(*r));
		struct db_write w = {insert, row_done, r};

		snprintf(r->name, sizeof(r->name), "%p-%d", arg, i);
		if (db_writer_put(writer, &w) < 0)
			fail_msg("put refused");
	}
	return NULL;
}

static void many_threads_one_writer(void **state)
{
	pthread_t t[8];
	char marks[8];
	struct err err = {0};

	(void)state;
	tally.ok = tally.failed = 0;
	writer = db_writer_start(path, &schema1, &err);
	assert_non_null(writer);
	assert_null(db_writer_start(path, &schema1, &err));
	assert_non_null(strstr(err.text, "in use by another process"));
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		assert_int_equal(
			pthread_create(&t[i], NULL, putter, &marks[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	db_writer_stop(writer);
	assert_int_equal(tally.ok, 4000);
	assert_int_equal(tally.failed, 0);
	assert_int_equal(count(), 4000);
}

/* A refused write undoes its group, says so, and the next group works. */
static void a_failed_group_leaves_nothing(void **state)
{
	struct db_write bad = {insert, NULL, "same"};
	struct err err = {0};

	(void)state;
	writer = db_writer_start(path, &schema1, &err);
	assert_non_null(writer);
	assert_int_equal(db_writer_sync(writer, &bad, &err), 0);
	assert_int_equal(db_writer_sync(writer, &bad, &err), -1);
	assert_non_null(strstr(err.text, "UNIQUE"));
	bad.ctx = "other";
	assert_int_equal(db_writer_sync(writer, &bad, &err), 0);
	db_writer_stop(writer);
	assert_int_equal(count(), 2);
}

static int fill_the_disk(struct db *db, void *ctx, struct err *err)
{
	struct db_stmt *s;
	char *blob = xcalloc(1, 100000);

	(void)ctx;
	if (db_exec(db, "PRAGMA max_page_count = 8", err) < 0)
		fail_msg("%s", err->text);
	s = db_prepare(db, "INSERT INTO t(data) VALUES(?)", err);
	db_bind_blob(s, 1, (struct str){blob, 100000});
	free(blob);
	return db_step(s, err);
}

/* The limit was the connection's: that writing works again shows a new one.
 * A reader that stays must not keep the log from being written back for
 * ever: the group fails, and the next one works when it has gone. */
static void a_full_disk_and_a_reader(void **state)
{
	struct db_write full = {fill_the_disk, NULL, NULL};
	struct db_write good = {insert, NULL, "good"};
	struct err err = {0};
	struct db *reader;

	(void)state;
	writer = db_writer_start(path, &schema1, &err);
	assert_non_null(writer);
	assert_int_equal(db_writer_sync(writer, &good, &err), 0);
	assert_int_equal(db_writer_sync(writer, &full, &err), -1);
	assert_int_equal(err.cls, ERR_RETRY);
	assert_non_null(strstr(err.text, "the disk is full"));
	assert_non_null(strstr(err.text, path));

	good.ctx = "better";
	assert_int_equal(db_writer_sync(writer, &good, &err), 0);
	reader = db_open(path, &schema1, true, &err);
	assert_non_null(reader);
	assert_int_equal(db_exec(reader, "BEGIN; SELECT * FROM t", &err), 0);
	good.ctx = "best";
	assert_int_equal(db_writer_sync(writer, &good, &err), 0);
	assert_int_equal(db_writer_sync(writer, &full, &err), -1);
	good.ctx = "late";
	assert_int_equal(db_writer_sync(writer, &good, &err), -1);
	assert_non_null(strstr(err.text, "a reader holds up"));
	db_close(reader);
	assert_int_equal(db_writer_sync(writer, &good, &err), 0);
	db_writer_stop(writer);
	assert_int_equal(count(), 4);
}

/* A commit that fails: a constraint that is checked no earlier. */
static int violate(struct db *db, void *ctx, struct err *err)
{
	(void)ctx;
	return db_exec(db, "INSERT INTO child VALUES(-1)", err);
}

static void a_failed_commit_is_told_to_all(void **state)
{
	static const char *const sql[] = {
		"CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, "
		"data BLOB); CREATE TABLE child (t INTEGER REFERENCES t(id) "
		"DEFERRABLE INITIALLY DEFERRED)"};
	static const struct db_schema schema = {"test", sql, 1, 0};
	struct db_write bad = {violate, NULL, NULL};
	struct err err = {0};
	int sent = 0;

	(void)state;
	tally.ok = tally.failed = 0;
	writer = db_writer_start(path, &schema, &err);
	assert_non_null(writer);
	for (; sent < 100; sent++) {
		struct row *r = xcalloc(1, sizeof(*r));
		struct db_write w = {insert, row_done, r};

		snprintf(r->name, sizeof(r->name), "%d", sent);
		assert_int_equal(db_writer_put(writer, &w), 0);
		if (sent == 50)
			assert_int_equal(db_writer_put(writer, &bad), 0);
	}
	assert_int_equal(db_writer_sync(writer, &bad, &err), -1);
	assert_non_null(strstr(err.text, "FOREIGN KEY"));
	db_writer_stop(writer);
	assert_int_equal(tally.ok + tally.failed, 100);
	assert_int_equal(count(), tally.ok); /* told ok: there; failed: not */
}

static void stopping_finishes_what_is_queued(void **state)
{
	struct err err = {0};

	(void)state;
	tally.ok = tally.failed = 0;
	writer = db_writer_start(path, &schema1, &err);
	assert_non_null(writer);
	putter(dir);
	db_writer_stop(writer);
	assert_int_equal(tally.ok, 500);
	assert_int_equal(count(), 500);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(values_round_trip),
		T(versions),
		T(other_files_are_refused),
		T(files_are_their_owners_alone),
		T(statements_are_reused),
		T(queries_end_in_time),
		T(many_threads_one_writer),
		T(a_failed_group_leaves_nothing),
		T(a_full_disk_and_a_reader),
		T(a_failed_commit_is_told_to_all),
		T(stopping_finishes_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
