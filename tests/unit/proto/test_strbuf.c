#include "proto/base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_writes(void **state)
{
	struct strbuf sb = {0};
	char *text;

	(void)state;
	assert_string_equal(strbuf_cstr(&sb), "");
	strbuf_add(&sb, "ab", 2);
	strbuf_add_cstr(&sb, "cd");
	strbuf_add_str(&sb, STR("ef"));
	strbuf_add_char(&sb, 'g');
	strbuf_addf(&sb, "%d-%s", 12, "x");
	assert_string_equal(strbuf_cstr(&sb), "abcdefg12-x");
	assert_true(str_is(strbuf_str(&sb), "abcdefg12-x"));
	strbuf_truncate(&sb, 3);
	strbuf_truncate(&sb, 9);
	assert_string_equal(strbuf_cstr(&sb), "abc");
	text = strbuf_detach(&sb);
	assert_string_equal(text, "abc");
	assert_int_equal(sb.len, 0);
	free(text);
	text = strbuf_detach(&sb);
	assert_string_equal(text, "");
	free(text);
	strbuf_release(&sb);
}

static void test_grows(void **state)
{
	struct strbuf sb = {0};

	(void)state;
	for (int i = 0; i < 10000; i++)
		strbuf_addf(&sb, "%04d", i);
	assert_false(sb.failed);
	assert_int_equal(sb.len, 40000);
	assert_memory_equal(sb.buf + 39996, "9999", 5);
	strbuf_release(&sb);
	assert_null(sb.buf);
}

static void test_limit(void **state)
{
	struct strbuf sb = {.limit = 8};

	(void)state;
	strbuf_add_cstr(&sb, "12345678");
	assert_false(sb.failed);
	strbuf_add_char(&sb, '9');
	assert_true(sb.failed);
	assert_string_equal(strbuf_cstr(&sb), "12345678");
	strbuf_truncate(&sb, 4);
	strbuf_add_char(&sb, 'x');
	assert_true(sb.failed);
	assert_string_equal(strbuf_cstr(&sb), "1234");
	strbuf_truncate(&sb, 0);
	assert_false(sb.failed);
	strbuf_addf(&sb, "%s", "123456789");
	assert_true(sb.failed);
	assert_string_equal(strbuf_cstr(&sb), "");
	strbuf_release(&sb);
	assert_int_equal(sb.limit, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("strbuf", tests, NULL, NULL);
}
