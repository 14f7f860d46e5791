#include "proto/data/db_file.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/mem.h"

/* ---- what is synced -------------------------------------------------------- */

static char *synced[16]; /* in order */
static size_t n_synced;
static const char *fails; /* this folder's sync, so: */
static int fails_with;

static void forget(void)
{
	for (; n_synced > 0; n_synced--)
		free(synced[n_synced - 1]);
	fails = NULL;
}

/* In place of the system's: db_file.c is linked with this one. */
int fsync(int fd)
{
	char *link = xprintf("/proc/self/fd/%d", fd), path[PATH_MAX];
	ssize_t n = readlink(link, path, sizeof(path) - 1);

	free(link);
	assert_true(n > 0 && n_synced < ARRAY_LEN(synced));
	path[n] = '\0';
	synced[n_synced++] = xstrdup(path);
	if (fails != NULL && strcmp(path, fails) == 0) {
		errno = fails_with;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

static bool was_synced(const char *folder)
{
	for (size_t i = 0; i < n_synced; i++)
		if (strcmp(synced[i], folder) == 0)
			return true;
	return false;
}

/* ---- tests ----------------------------------------------------------------- */

struct world {
	char *root, *state, *file;
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->root = xstrdup("/tmp/pullwire-db-file-XXXXXX");
	assert_non_null(mkdtemp(w->root));
	w->state = xprintf("%s/state", w->root);
	w->file = xprintf("%s/spool.db", w->state);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	forget();
	unlink(w->file);
	rmdir(w->state);
	rmdir(w->root);
	free(w->root);
	free(w->state);
	free(w->file);
	free(w);
	return 0;
}

static void test_new_names_are_on_the_disk(void **state)
{
	struct world *w = *state;
	struct err err = {0};
	struct stat st;

	assert_int_equal(db_file_make(w->file, &err), 0);
	assert_true(was_synced(w->root) && was_synced(w->state));
	assert_int_equal(stat(w->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(w->state, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* Who made them died before they were. */
static void test_names_that_were_there(void **state)
{
	struct world *w = *state;
	struct err err = {0};

	assert_int_equal(mkdir(w->state, 0700), 0);
	assert_int_equal(db_file_make(w->file, &err), 0);
	assert_true(was_synced(w->root) && was_synced(w->state));
	forget();
	assert_int_equal(db_file_make(w->file, &err), 0);
	assert_true(was_synced(w->root) && was_synced(w->state));
}

static void test_a_sync_that_fails(void **state)
{
	struct world *w = *state;
	static const struct {
		bool there;
		int errnum, rc;
	} cases[] = {
		{false, EIO, -1},
		{false, EINVAL, -1},
		{true, EIO, -1},
		{true, ENOSPC, -1},
		{true, EINVAL, 0}, /* its file system has no such thing */
		{true, EROFS, 0},
		{true, ENOTSUP, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};

		unlink(w->file);
		rmdir(w->state);
		if (cases[i].there)
			assert_int_equal(mkdir(w->state, 0700), 0);
		fails = w->root;
		fails_with = cases[i].errnum;
		assert_int_equal(db_file_make(w->file, &err), cases[i].rc);
		if (cases[i].rc < 0)
			assert_non_null(strstr(err.text, w->root));
		forget();
	}
}

/* Nothing can be said of a folder for which no descriptor was left. */
static void test_no_descriptor(void **state)
{
	struct world *w = *state;
	struct rlimit had, none;
	struct err err = {0};
	int rc;

	assert_int_equal(mkdir(w->state, 0700), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &had), 0);
	none = had;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = db_file_folders(w->file, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &had), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(n_synced, 0);
	assert_int_equal(db_file_folders(w->file, &err), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_new_names_are_on_the_disk),
		TEST(test_names_that_were_there),
		TEST(test_a_sync_that_fails),
		TEST(test_no_descriptor),
	};

	return cmocka_run_group_tests_name("db_file", tests, NULL, NULL);
}
