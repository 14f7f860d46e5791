/* A log with a wrong bit of which several would make its sum right. */
#include "proto/data/db_wal.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/data/db.h"

#define HEADERS (32 + 24) /* the log's and its first frame's */
#define PAGE 4096

static const char *const migrations[] = {"create table t (n integer)"};
static const struct db_schema schema = {
	.name = "test", .migrations = migrations, .n = ARRAY_LEN(migrations)};

static char dir[] = "/tmp/pullwire-wal-XXXXXX";

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void copy(const char *from, const char *to, size_t turn)
{
	static char bytes[1 << 20];
	int fd = open(from, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));

	assert_true(n > 0 && (size_t)n > turn);
	close(fd);
	if (turn != 0)
		bytes[turn] ^= (char)0x80;
	fd = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_int_equal(write(fd, bytes, (size_t)n), n);
	close(fd);
}

static void test_files_stay_few(void **state)
{
	char *path = xprintf("%s/a.db", dir), *wal = xprintf("%s-wal", path);
	char *other = xprintf("%s/b.db", dir);
	char *other_wal = xprintf("%s-wal", other);
	struct err err = {0};
	struct db *db = db_open(path, &schema, false, &err);
	size_t before;

	(void)state;
	assert_non_null(db);
	assert_int_equal(db_exec(db, "insert into t values (1)", &err), 0);
	/* The highest bit of a word: the sum tells little of where it is. */
	for (size_t at = HEADERS + 3; at < HEADERS + 4096; at += 404) {
		copy(path, other, 0);
		copy(wal, other_wal, at);
		before = open_files();
		(void)db_wal_check(other, &err);
		assert_true(open_files() <= before + 1);
	}
	db_close(db);
	free(path);
	free(wal);
	free(other);
	free(other_wal);
}

/* The log of `from` with its last frame's page as it was before. */
static void tear(const char *from, const char *to)
{
	static char bytes[1 << 20];
	int fd = open(from, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));
	char *page = bytes + n - PAGE;

	assert_true(n > 2 * (PAGE + 24));
	close(fd);
	memcpy(page, page - 24 - PAGE, PAGE);
	fd = open(to, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	assert_int_equal(write(fd, bytes, (size_t)n), n);
	close(fd);
}

/* A page that was not written may differ by one bit from what was to be there:
 * still a torn end, and no reason not to start. */
static void test_torn_by_a_bit(void **state)
{
	static const char *const values[] = {"x'80000000'", "x'00800000'",
		"x'00008000'", "x'00000080'"};
	char *path = xprintf("%s/c.db", dir), *wal = xprintf("%s-wal", path);
	char *other = xprintf("%s/d.db", dir);
	char *other_wal = xprintf("%s-wal", other);
	struct err err = {0};
	struct db *db = db_open(path, &schema, false, &err);

	(void)state;
	assert_non_null(db);
	assert_int_equal(db_exec(db, "insert into t values (x'00000000')", &err),
		0);
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		char *sql = xprintf("update t set n = %s", values[i]);

		assert_int_equal(db_exec(db, "update t set n = x'00000000'",
					 &err), 0);
		assert_int_equal(db_exec(db, sql, &err), 0);
		copy(path, other, 0);
		tear(wal, other_wal);
		if (db_wal_check(other, &err) != 0)
			fail_msg("%s: %s", values[i], err.text);
		free(sql);
	}
	db_close(db);
	free(path);
	free(wal);
	free(other);
	free(other_wal);
}

static char bytes[1 << 20];

static size_t load(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));

	assert_true(n > 32 && (size_t)n < sizeof(bytes));
	close(fd);
	return (size_t)n;
}

static void store(const char *path, size_t n)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static bool is_end(size_t frame)
{
	static const char none[4];

	return memcmp(bytes + frame + 4, none, 4) != 0;
}

/* Where the last transaction of the log in bytes begins. */
static size_t last_begin(size_t n)
{
	size_t at = n - (24 + PAGE);

	while (!is_end(at - (24 + PAGE)))
		at -= 24 + PAGE;
	return at;
}

static long count(const char *path)
{
	struct err err = {0};
	struct db *db = db_open(path, &schema, false, &err);
	struct db_stmt *q;
	long rows;

	assert_non_null(db);
	q = db_prepare(db, "select count(*) from t", &err);
	assert_non_null(q);
	assert_int_equal(db_step(q, &err), 1);
	rows = (long)db_col_i64(q, 0);
	db_reset(q);
	db_close(db);
	return rows;
}

/* A high bit that several would put right, in a page of which nothing is as it
 * was: of a whole transaction it stops the start, with a way out; where the
 * transaction never came to its end it is as torn as that. */
static void test_never_synced(void **state)
{
	char *path = xprintf("%s/e.db", dir), *wal = xprintf("%s-wal", path);
	char *other = xprintf("%s/f g.db", dir);
	char *other_wal = xprintf("%s-wal", other);
	struct err err = {0};
	struct db *db = db_open(path, &schema, false, &err);
	size_t n, begin, refused = 0;

	(void)state;
	assert_non_null(db);
	assert_int_equal(db_exec(db, "insert into t values "
		"(randomblob(20000))", &err), 0);
	assert_int_equal(db_exec(db, "begin; insert into t values (2); "
		"update t set n = randomblob(20000); commit", &err), 0);
	n = load(wal);
	begin = last_begin(n);
	assert_true(begin + 3 * (24 + PAGE) <= n);
	for (size_t at = 24 + 3; at < PAGE; at += 404) {
		size_t frame = begin + 24 + PAGE;
		char *way;

		bytes[frame + at] ^= (char)0x80;
		copy(path, other, 0);
		store(other_wal, n);
		if (db_wal_check(other, &err) != 0) {
			refused++;
			way = strstr(err.text, "truncate -s ");
			assert_non_null(way);
			assert_int_equal(system(way), 0);
			assert_int_equal(db_wal_check(other, &err), 0);
			assert_int_equal(count(other), 1);
		}
		copy(path, other, 0);
		store(other_wal, frame + 24 + PAGE);
		if (db_wal_check(other, &err) != 0)
			fail_msg("byte %zu: %s", at, err.text);
		bytes[frame + at] ^= (char)0x80;
	}
	assert_true(refused > 0);
	db_close(db);
	free(path);
	free(wal);
	free(other);
	free(other_wal);
}

/* One bit of `bytes` turned, and the log put right again. */
static void mends(const char *db, const char *wal, size_t n, size_t at,
	unsigned bit)
{
	static char now[sizeof(bytes)];
	struct err err = {0};
	int fd;

	bytes[at] ^= (char)(1u << bit);
	store(wal, n);
	bytes[at] ^= (char)(1u << bit);
	if (db_wal_check(db, &err) != 0)
		fail_msg("byte %zu, bit %u: %s", at, bit, err.text);
	fd = open(wal, O_RDONLY);
	assert_int_equal(read(fd, now, n), n);
	close(fd);
	if (memcmp(now, bytes, n) != 0)
		fail_msg("byte %zu, bit %u: put right elsewhere", at, bit);
}

/* High bits of the log's header, and of a frame's salts and sum, might be
 * others by the sum alone: what follows knows. */
static void test_sums_and_salts(void **state)
{
	static const unsigned bits[] = {0, 5, 6, 7};
	char *path = xprintf("%s/g.db", dir), *wal = xprintf("%s-wal", path);
	char *other = xprintf("%s/h.db", dir);
	char *other_wal = xprintf("%s-wal", other);
	struct err err = {0};
	struct db *db = db_open(path, &schema, false, &err);
	size_t n;

	(void)state;
	assert_non_null(db);
	for (int i = 0; i < 4; i++)
		assert_int_equal(db_exec(db, "insert into t values (1)",
					 &err), 0);
	n = load(wal);
	copy(path, other, 0);
	for (size_t b = 0; b < ARRAY_LEN(bits); b++) {
		for (size_t at = 0; at < 32; at++)
			mends(other, other_wal, n, at, bits[b]);
		for (size_t f = 32; f + 24 + PAGE < n; f += 24 + PAGE)
			for (size_t at = f + 8; at < f + 24; at++)
				mends(other, other_wal, n, at, bits[b]);
	}
	db_close(db);
	free(path);
	free(wal);
	free(other);
	free(other_wal);
}

static int setup(void **state)
{
	(void)state;
	log_init("test", LOG_FATAL);
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files_stay_few),
		cmocka_unit_test(test_torn_by_a_bit),
		cmocka_unit_test(test_never_synced),
		cmocka_unit_test(test_sums_and_salts),
	};

	return cmocka_run_group_tests_name("db_wal", tests, setup, teardown);
}
