#include "proto/base/fail.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#ifdef PULLWIRE_FAIL_POINTS

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/pullwire-fail-XXXXXX";

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ||
			setenv("PULLWIRE_FAIL_DIR", dir, 1) != 0 ||
			setenv("PULLWIRE_FAIL",
				"one:error,two:kill,three:pause", 1) != 0
		? -1
		: 0;
}

static const char *file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(file("two.hit"));
	unlink(file("three.hit"));
	unlink(file("three.go"));
	return rmdir(dir);
}

/* Passes the point in a child; its wait status. */
static int pass_in_child(const char *name)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(FAIL_POINT(name) ? 1 : 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void test_error(void **state)
{
	(void)state;
	assert_true(FAIL_POINT("one"));
	assert_true(FAIL_POINT("one"));
	assert_false(FAIL_POINT("on"));
	assert_false(FAIL_POINT("zero"));
}

static void test_kill_once(void **state)
{
	int status = pass_in_child("two");

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	assert_int_equal(access(file("two.hit"), F_OK), 0);
	assert_int_equal(pass_in_child("two"), 0);
}

static void test_pause_once(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (child == 0)
		_exit(FAIL_POINT("three") ? 1 : 0);
	while (access(file("three.hit"), F_OK) != 0)
		usleep(1000);
	usleep(50000);
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	fclose(fopen(file("three.go"), "w"));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	unlink(file("three.go"));
	assert_false(FAIL_POINT("three"));
}

#else

static int make_dir(void **state)
{
	(void)state;
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return 0;
}

/* In a build without failure points the environment changes nothing. */
static void test_error(void **state)
{
	(void)state;
	setenv("PULLWIRE_FAIL", "one:error", 1);
	assert_false(FAIL_POINT("one"));
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error),
#ifdef PULLWIRE_FAIL_POINTS
		cmocka_unit_test(test_kill_once),
		cmocka_unit_test(test_pause_once),
#endif
	};

	return cmocka_run_group_tests_name("fail", tests, make_dir, remove_dir);
}
