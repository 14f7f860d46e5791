#include "proto/base/str.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_slices(void **state)
{
	struct str s = STR("shop/web");

	(void)state;
	assert_true(str_eq(str_from(NULL), STR("")));
	assert_true(str_is(str_cut(s, 0, 4), "shop"));
	assert_true(str_is(str_cut(s, 5, 99), "web"));
	assert_int_equal(str_cut(s, 9, 4).n, 0);
	assert_int_equal(str_find(s, '/'), 4);
	assert_int_equal(str_find(s, ':'), 8);
	assert_true(str_starts(s, STR("shop/")));
	assert_false(str_starts(STR("sho"), STR("shop")));
	assert_true(str_ends(s, STR("/web")));
	assert_false(str_ends(STR("eb"), STR("web")));
	assert_true(str_is(str_trim(STR(" \t a b\t ")), "a b"));
	assert_int_equal(str_trim(STR(" \t ")).n, 0);
	assert_false(str_eq(STR("a"), STR("b")));
	assert_true(str_eq((struct str){0}, STR("")));
}

static void test_split(void **state)
{
	static const char *const want[] = {"a", "", "b", ""};
	struct str rest = STR("a,,b,"), part;
	size_t n = 0;

	(void)state;
	while (str_split(&rest, ',', &part)) {
		assert_true(n < ARRAY_LEN(want));
		assert_true(str_is(part, want[n++]));
	}
	assert_int_equal(n, ARRAY_LEN(want));
	rest = STR("");
	assert_true(str_split(&rest, ',', &part));
	assert_int_equal(part.n, 0);
	assert_false(str_split(&rest, ',', &part));
}

typedef int parse_fn(struct str s, int64_t *out);

static const struct {
	parse_fn *parse;
	const char *text;
	int rc;
	int64_t want;
} numbers[] = {
	{str_to_i64, "0", 0, 0},
	{str_to_i64, "-0", 0, 0},
	{str_to_i64, "42", 0, 42},
	{str_to_i64, "-42", 0, -42},
	{str_to_i64, "9223372036854775807", 0, INT64_MAX},
	{str_to_i64, "9223372036854775808", -1, 0},
	{str_to_i64, "-9223372036854775808", 0, INT64_MIN},
	{str_to_i64, "-9223372036854775807", 0, -INT64_MAX},
	{str_to_i64, "-9223372036854775809", -1, 0},
	{str_to_i64, "99999999999999999999", -1, 0},
	{str_to_i64, "", -1, 0},
	{str_to_i64, "-", -1, 0},
	{str_to_i64, "+1", -1, 0},
	{str_to_i64, " 1", -1, 0},
	{str_to_i64, "1 ", -1, 0},
	{str_to_i64, "0x1", -1, 0},
	{str_to_duration, "0", 0, 0},
	{str_to_duration, "500ms", 0, 500},
	{str_to_duration, "30s", 0, 30000},
	{str_to_duration, "5m", 0, 300000},
	{str_to_duration, "2h", 0, 7200000},
	{str_to_duration, "7d", 0, 604800000},
	{str_to_duration, "5", -1, 0},
	{str_to_duration, "s", -1, 0},
	{str_to_duration, "-5s", -1, 0},
	{str_to_duration, "5 s", -1, 0},
	{str_to_duration, "1h30m", -1, 0},
	{str_to_duration, "999999999999999d", -1, 0},
	{str_to_size, "512", 0, 512},
	{str_to_size, "1B", 0, 1},
	{str_to_size, "64KiB", 0, 65536},
	{str_to_size, "5MiB", 0, 5242880},
	{str_to_size, "1GiB", 0, 1073741824},
	{str_to_size, "2KB", 0, 2000},
	{str_to_size, "3MB", 0, 3000000},
	{str_to_size, "4GB", 0, 4000000000},
	{str_to_size, "64kib", -1, 0},
	{str_to_size, "KiB", -1, 0},
	{str_to_size, "9999999999GiB", -1, 0},
};

static void test_numbers(void **state)
{
	uint64_t u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t out = 0;
		int rc = numbers[i].parse(str_from(numbers[i].text), &out);

		if (rc != numbers[i].rc || (rc == 0 && out != numbers[i].want))
			fail_msg("\"%s\": rc %d value %lld", numbers[i].text,
				rc, (long long)out);
	}
	assert_int_equal(str_to_u64(STR("18446744073709551615"), &u), 0);
	assert_true(u == UINT64_MAX);
	assert_int_equal(str_to_u64(STR("18446744073709551616"), &u), -1);
	assert_int_equal(str_to_u64(STR("-1"), &u), -1);
}

static const struct {
	const char *text;
	int rc;
	const char *want;
} times[] = {
	/* RFC 3339 section 5.8 */
	{"1985-04-12T23:20:50.52Z", 0, "1985-04-12T23:20:50.520Z"},
	{"1996-12-19T16:39:57-08:00", 0, "1996-12-20T00:39:57.000Z"},
	{"1990-12-31T23:59:60Z", 0, "1991-01-01T00:00:00.000Z"},
	{"1990-12-31T15:59:60-08:00", 0, "1991-01-01T00:00:00.000Z"},
	{"1937-01-01T12:00:27.87+00:20", 0, "1937-01-01T11:40:27.870Z"},
	{"2026-11-23T11:49:00.123456789Z", 0, "2026-11-23T11:49:00.123Z"},
	{"2024-02-29t00:00:00z", 0, "2024-02-29T00:00:00.000Z"},
	{"1969-12-31 23:59:59.999Z", 0, "1969-12-31T23:59:59.999Z"},
	{"0000-01-01T00:00:00Z", 0, "0000-01-01T00:00:00.000Z"},
	{"9999-12-31T23:59:59.999Z", 0, "9999-12-31T23:59:59.999Z"},
	{"2000-02-29T12:00:00Z", 0, "2000-02-29T12:00:00.000Z"},
	{"1900-02-29T12:00:00Z", -1, NULL},
	{"2023-02-29T12:00:00Z", -1, NULL},
	{"2023-13-01T12:00:00Z", -1, NULL},
	{"2023-04-31T12:00:00Z", -1, NULL},
	{"2023-04-00T12:00:00Z", -1, NULL},
	{"2023-04-01T24:00:00Z", -1, NULL},
	{"2023-04-01T12:60:00Z", -1, NULL},
	{"2023-04-01T12:00:61Z", -1, NULL},
	{"2023-04-01T12:00:00", -1, NULL},
	{"2023-04-01T12:00:00.Z", -1, NULL},
	{"2023-04-01T12:00:00Zx", -1, NULL},
	{"2023-04-01T12:00:00+0800", -1, NULL},
	{"2023-04-01T12:00:00+24:00", -1, NULL},
	{"-023-04-01T12:00:00Z", -1, NULL},
	{"2023-04-01T-1:00:00Z", -1, NULL},
	{"2023-4-1T12:00:00Z", -1, NULL},
	{"", -1, NULL},
};

static void test_times(void **state)
{
	char buf[STR_TIME_LEN];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		int64_t ms = 0;
		int rc = str_to_time(str_from(times[i].text), &ms);

		if (rc != times[i].rc)
			fail_msg("\"%s\": rc %d", times[i].text, rc);
		if (rc == 0)
			assert_string_equal(str_time(ms, buf), times[i].want);
	}
	assert_string_equal(str_time(0, buf), "1970-01-01T00:00:00.000Z");
	assert_string_equal(str_time(INT64_MAX, buf), "9999-12-31T23:59:59.999Z");
	assert_string_equal(str_time(INT64_MIN, buf), "0000-01-01T00:00:00.000Z");
}

/* Every day of 800 years goes there and back. */
static void test_calendar(void **state)
{
	const int64_t day_ms = 86400000;
	char buf[STR_TIME_LEN];

	(void)state;
	for (int64_t day = -146097; day < 146097; day++) {
		int64_t back;

		str_time(day * day_ms, buf);
		assert_int_equal(str_to_time(str_from(buf), &back), 0);
		assert_int_equal(back, day * day_ms);
	}
}

static void test_safe(void **state)
{
	char buf[32];
	struct str nul = {"a\0b", 3};

	(void)state;
	assert_string_equal(str_safe(STR("plain ~"), buf, sizeof(buf)), "plain ~");
	assert_string_equal(
		str_safe(STR("a\nb\033[1m"), buf, sizeof(buf)), "a\\x0ab\\x1b[1m");
	assert_string_equal(
		str_safe(STR("\\x0a\x7f\xff"), buf, sizeof(buf)),
		"\\\\x0a\\x7f\\xff");
	assert_string_equal(str_safe(nul, buf, sizeof(buf)), "a\\x00b");
	assert_string_equal(str_safe(STR("abc\n"), buf, 7), "abc");
	assert_string_equal(str_safe(STR("abcdef"), buf, 4), "abc");
	assert_string_equal(str_safe(STR("abc"), buf, 1), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slices),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_calendar),
		cmocka_unit_test(test_safe),
	};

	return cmocka_run_group_tests_name("str", tests, NULL, NULL);
}
