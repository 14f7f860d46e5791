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
	};

	return cmocka_run_group_tests_name("db_wal", tests, setup, teardown);
}
