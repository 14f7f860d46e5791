#include "proto/base/err.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_fill(void **state)
{
	struct err err = {0};

	(void)state;
	assert_int_equal(err_fail(&err, "no %s", "file"), -1);
	assert_int_equal(err.cls, ERR_FAIL);
	assert_string_equal(err.text, "no file");
	assert_int_equal(err_retry(&err, "busy"), -1);
	assert_int_equal(err.cls, ERR_RETRY);
	assert_int_equal(err_set(&err, ERR_FAIL, 404, "gone"), -1);
	assert_int_equal(err.code, 404);
	assert_int_equal(err_prefix(&err, "container `%s`", "web"), -1);
	assert_string_equal(err.text, "container `web`: gone");
	assert_int_equal(err.code, 404);
	err_fail(&err, "again: %s", err.text);
	assert_string_equal(err.text, "again: container `web`: gone");
	err_clear(&err);
	assert_int_equal(err.cls, ERR_NONE);
	assert_string_equal(err.text, "");
	assert_int_equal(err_fail(NULL, "nobody asks"), -1);
	assert_int_equal(err_prefix(NULL, "nobody asks"), -1);
}

static void test_long(void **state)
{
	struct err err = {0};
	char text[2000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_fail(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_fail(&err, "short");
	err_prefix(&err, "%.510s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
