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
static const struct db_schema schema1 = {"test", v1, 1};
static const struct db_schema schema2 = {"test", v2, 2};
static const struct db_schema other = {"other", v1, 1};

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
		T(many_threads_one_writer),
		T(a_failed_group_leaves_nothing),
		T(stopping_finishes_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
