/* `verify` as a process of its own, beside a store that is open for writing. */
#include "tests/unit/logger/store_rig.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "logger/verify_command.h"
#include "proto/base/clock.h"

#define STORE "VERIFY_STORE"

/* This program as `verify`, started by run_verify(). */
static void be_verify(int argc, char **argv)
{
	struct conf conf = {.logger = {.store = getenv(STORE)}};
	int status = verify_command(&conf, argc, argv);

	fflush(stdout);
	_exit(status);
}

/* Runs `verify WORD WORD`; what it printed goes to out. Not in a mere fork: a
 * thread of the store may hold a library's lock at that moment. */
static int run_verify(const char *one, const char *two, struct strbuf *out)
{
	char *argv[] = {(char *)(uintptr_t)"verify", (char *)(uintptr_t)one,
		(char *)(uintptr_t)two, NULL};
	int fds[2], status;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	strbuf_truncate(out, 0);
	assert_int_equal(pipe(fds), 0);
	fflush(NULL);
	setenv(STORE, url, 1);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		execv("/proc/self/exe", argv);
		_exit(127);
	}
	close(fds[1]);
	while ((n = read(fds[0], buf, sizeof(buf))) > 0)
		strbuf_add(out, buf, (size_t)n);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_end(int code, const char *const *parts)
{
	struct strbuf out = {0};
	int got = run_verify(NULL, NULL, &out);

	for (; *parts != NULL; parts++)
		if (strstr(strbuf_cstr(&out), *parts) == NULL)
			fail_msg("no `%s` in: %s", *parts, strbuf_cstr(&out));
	if (got != code)
		fail_msg("exit code %d: %s", got, strbuf_cstr(&out));
	strbuf_release(&out);
}

#define PARTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void damaged_rows_are_printed(void **state)
{
	char event[16];

	(void)state;
	expect_end(VERIFY_SOUND, PARTS("0 rows read, all are what was stored"));
	for (int i = 0; i < 130; i++) {
		snprintf(event, sizeof(event), "e%04d", i);
		put_simple(5000 - i, event, "web", "deployed", true);
	}
	expect_end(VERIFY_SOUND,
		PARTS("130 rows read, all are what was stored\n"));
	change("UPDATE %s SET status = 'failed' WHERE seq = 70");
	change("UPDATE %s SET tag = 'v2' WHERE seq = 130");
	change("UPDATE %s SET id = 'a\x1b" "b' WHERE seq = 3");
	expect_end(VERIFY_DAMAGED, PARTS("130 rows read, 3 of them are damaged",
		"row 70  1970-01-01T00:00:04.931Z  e0069/web/1/deployed  "
		"this row was changed on the disk",
		"it says `failed`\n", "row 130  ", "row 3  ", "a\\x1bb"));
}

/* The page whose first row has the place was, and gets another; false: it is
 * none. A cell is two numbers, its size and its place, then the row. */
static bool move_first_row(unsigned char *page, int was, int place)
{
	unsigned char *cell = page + (page[8] << 8 | page[9]);

	if (page[0] != 13 || (page[3] << 8 | page[4]) != 3)
		return false; /* no leaf of a table, or not of three rows */
	while (*cell++ & 0x80)
		;
	if (*cell != was)
		return false;
	*cell = (unsigned char)place;
	return true;
}

static void move_row(int was, int place)
{
	static unsigned char page[4096];
	int fd = open(url + 7, O_RDWR), moved = 0;

	for (off_t at = 0; pread(fd, page, sizeof(page), at) ==
		(ssize_t)sizeof(page); at += (off_t)sizeof(page))
		if (move_first_row(page, was, place)) {
			assert_int_equal(pwrite(fd, page, sizeof(page), at),
				sizeof(page));
			moved++;
		}
	close(fd);
	assert_int_equal(moved, 1);
}

/* One bit of a place: nothing is sound then that was not looked at. */
static void a_changed_place_is_told(void **state)
{
	(void)state;
	put_simple(1, "e0", "web", "deployed", true);
	put_simple(2, "e1", "web", "deployed", true);
	put_simple(3, "e2", "web", "deployed", true);
	change("PRAGMA wal_checkpoint(TRUNCATE)");
	move_row(1, 65);
	expect_end(VERIFY_UNREAD, PARTS("row 2 comes after row 65"));
	move_row(65, 0);
	expect_end(VERIFY_UNREAD, PARTS("row 0 comes after row 0"));
	move_row(0, 1);
	expect_end(VERIFY_SOUND, PARTS("3 rows read, all are what was"));
}

/* A hundred rows a second: the second page not within the first second. */
static void it_takes_its_time(void **state)
{
	struct strbuf out = {0};
	int64_t start;
	char event[16];

	(void)state;
	for (int i = 0; i < 110; i++) {
		snprintf(event, sizeof(event), "e%04d", i);
		put_simple(i, event, "web", "deployed", true);
	}
	start = clock_mono();
	change("UPDATE %s SET status = 'failed' WHERE seq = 105");
	assert_int_equal(run_verify("--rate", "100", &out), VERIFY_DAMAGED);
	assert_true(clock_mono() - start >= 1000);
	assert_non_null(strstr(strbuf_cstr(&out), "row 105  "));
	assert_non_null(strstr(strbuf_cstr(&out), "110 rows read, 1 of"));
	strbuf_release(&out);
}

static void faults(void **state)
{
	struct strbuf out = {0};

	(void)state;
	assert_int_equal(run_verify("--rate", "0", &out), 2);
	assert_non_null(strstr(strbuf_cstr(&out), "--rate takes a number"));
	assert_int_equal(run_verify("rows", NULL, &out), 2);
	assert_int_equal(run_verify("--help", NULL, &out), 0);
	assert_non_null(strstr(strbuf_cstr(&out), "Exit code: "));
	snprintf(url, sizeof(url), "sqlite:%s/none.db", dir);
	assert_int_equal(run_verify(NULL, NULL, &out), VERIFY_UNREAD);
	assert_non_null(strstr(strbuf_cstr(&out), "none.db"));
	strbuf_release(&out);
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest sqlite[] = {
		T(damaged_rows_are_printed),
		T(a_changed_place_is_told),
		T(it_takes_its_time),
		T(faults),
	};
	const struct CMUnitTest postgresql[] = {
		cmocka_unit_test_setup_teardown(damaged_rows_are_printed,
			pg_setup, pg_teardown),
	};
	const struct CMUnitTest none[] = {cmocka_unit_test(without_server)};
	int failed;

	if (getenv(STORE) != NULL)
		be_verify(argc, argv);
	failed = cmocka_run_group_tests(sqlite, NULL, NULL);

	if (getenv("PULLWIRE_POSTGRESQL") == NULL)
		return failed + cmocka_run_group_tests(none, NULL, NULL);
	return failed + cmocka_run_group_tests(postgresql, NULL, NULL);
}
