/* The tree: read, written, compared, looked up and changed. */
#include "proto/data/json.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define S(literal) {(literal), sizeof(literal) - 1}

static void write_gives_back_what_came(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "null", "true", "\"\"", "0", "-0", "-1", "0.5", "1e3",
		"1E+3", "1.50", "9007199254740993", "-9007199254740993",
		"9223372036854775807", "-9223372036854775808",
		"18446744073709551615", "999999999999999", "1000000000000000",
		"123456789012345678901234567890123456789012345678901234567890"
		"1234567890",
		"[1,2,9223372036854775807,4,1e3,[5,0.1],{\"a\":6},7.0]",
		"{\"Memory\":0,\"NanoCpus\":0,\"PidsLimit\":-1,\"CpuShares\":"
		"9223372036854775807,\"Ulimits\":null,\"x\":[{\"y\":1e-7},2]}",
		"\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7F\xE2\x82\xAC\"",
		"{\"\\\"k\\n\":[true,false,null,\"\xF0\x9F\x8C\x80\"]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct strbuf out = {0};
		struct json *j = json_parse(str_from(texts[i]), NULL, NULL);
		struct json *copy = json_copy(j);

		assert_non_null(j);
		json_write(j, &out);
		assert_string_equal(strbuf_cstr(&out), texts[i]);
		strbuf_truncate(&out, 0);
		json_write(copy, &out);
		assert_string_equal(strbuf_cstr(&out), texts[i]);
		assert_true(json_equal(j, copy));
		json_free(j);
		json_free(copy);
		strbuf_release(&out);
	}
}

static void strings_are_repaired(void **state)
{
	static const struct {
		struct str in;
		const char *out;
	} rows[] = {
		{S(""), "\"\""}, {S("a\xFF""b"), "\"a\xEF\xBF\xBD""b\""},
		{S("\xC3"), "\"\xEF\xBF\xBD\""}, {S("a\x00z"), "\"a\\u0000z\""},
		{S("\x1b[31m"), "\"\\u001b[31m\""},
		{S("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
		{S("\xE2\x82\xAC/"), "\"\xE2\x82\xAC/\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct strbuf out = {0};

		json_write_str(rows[i].in, &out);
		assert_string_equal(strbuf_cstr(&out), rows[i].out);
		strbuf_release(&out);
	}
}

static void integers(void **state)
{
	static const struct {
		const char *text;
		int64_t want; /* 77: not an integer of 64 bits */
	} rows[] = {
		{"0", 0}, {"-0", 0}, {"-1", -1}, {"1e3", 1000}, {"1.5e1", 15},
		{"2.0", 2}, {"0.0", 0}, {"0e9", 0}, {"0.5", 77}, {"1e-1", 77},
		{"100e-2", 1}, {"1234e-2", 77},
		{"9223372036854775807", INT64_MAX},
		{"-9223372036854775808", INT64_MIN},
		{"9223372036854775808", 77}, {"9.223372036854775807e18", INT64_MAX},
		{"1e18", 1000000000000000000}, {"1e19", 77}, {"1e400", 77},
		{"1e99999999999999999999999", 77}, {"0.001e3", 1},
		{"\"1\"", 77}, {"null", 77}, {"[1]", 77},
		{"0e99999999999999999999999", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *j = json_parse(str_from(rows[i].text), NULL, NULL);

		assert_non_null(j);
		if (json_i64(j, 77) != rows[i].want)
			fail_msg("%s reads as %" PRId64, rows[i].text,
				json_i64(j, 77));
		json_free(j);
	}
	assert_int_equal(json_i64(NULL, 5), 5);
}

static void equality(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{"1000", "1e3", true}, {"1.0", "1", true}, {"-0", "0", true},
		{"0.10", "1e-1", true}, {"120", "12e1", true}, {"1", "-1", false},
		{"18446744073709551615", "18446744073709551616", false},
		{"9007199254740993", "9007199254740992", false},
		{"0.001", "0.0010", true}, {"10", "1", false}, {"101", "11", false},
		{"1e400", "1e401", false}, {"0", "0e500", true},
		{"[1,2]", "[2,1]", false}, {"[1,2]", "[1,2,3]", false},
		{"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
		{"{\"a\":1}", "{\"A\":1}", false}, {"{\"a\":null}", "{}", false},
		{"{\"a\":null}", "{\"b\":null}", false}, {"[]", "{}", false},
		{"\"1\"", "1", false}, {"true", "false", false},
		{"null", "null", true}, {"\"\\u0061\"", "\"a\"", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct json *a = json_parse(str_from(rows[i].a), NULL, NULL);
		struct json *b = json_parse(str_from(rows[i].b), NULL, NULL);

		if (json_equal(a, b) != rows[i].equal ||
			json_equal(b, a) != rows[i].equal)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		json_free(a);
		json_free(b);
	}
	assert_true(json_equal(NULL, NULL));
}

static void looking_up(void **state)
{
	static const char text[] = "{\"events\":[{\"id\":\"x\",\"target\":{\"tag\":"
				   "\"v1\"},\"n\":3,\"ok\":true}],\"Tag\":\"T\","
				   "\"none\":null}";
	struct json *j = json_parse(str_from(text), NULL, NULL);
	struct err err = {0};
	const char *s;

	(void)state;
	assert_string_equal(json_str(json_path(j, "events.0.target.tag")), "v1");
	assert_int_equal(json_i64(json_path(j, "events.0.n"), 0), 3);
	assert_true(json_bool(json_path(j, "events.0.ok")));
	assert_null(json_path(j, "events.1.target"));
	assert_null(json_path(j, "events.x.target"));
	assert_null(json_path(j, "events.-1"));
	assert_null(json_path(NULL, "events"));
	assert_null(json_get(j, "tag"));
	assert_null(json_get(json_get(j, "no"), "such"));
	assert_int_equal(json_len(json_get(j, "events")), 1);
	assert_int_equal(json_len(j), 3);
	assert_int_equal(json_len(NULL), 0);
	assert_string_equal(json_key(json_first(j)), "events");
	assert_string_equal(json_key(json_next(json_first(j))), "Tag");
	assert_true(json_is_null(json_get(j, "none")));
	assert_true(json_is_null(json_get(j, "absent")));
	assert_null(json_str(json_get(j, "none")));

	assert_int_equal(json_need_str(j, "events.0.id", &s, &err), 0);
	assert_string_equal(s, "x");
	assert_int_equal(json_need_str(j, "events.0.tag", &s, &err), -1);
	assert_string_equal(err.text, "events.0.tag is missing");
	assert_int_equal(json_need_str(j, "none", &s, &err), -1);
	assert_string_equal(err.text, "none is not a string");
	assert_int_equal(json_want_str(j, "events.0.tag", &s, &err), 0);
	assert_null(s);
	assert_int_equal(json_want_str(j, "none", &s, &err), 0);
	assert_null(s);
	assert_int_equal(json_want_str(j, "events.0.n", &s, &err), -1);
	assert_string_equal(err.text, "events.0.n is not a string");
	json_free(j);
}

static void expect_text(const struct json *j, const char *want)
{
	struct strbuf out = {0};

	json_write(j, &out);
	assert_string_equal(strbuf_cstr(&out), want);
	strbuf_release(&out);
}

static void editing(void **state)
{
	struct json *j = json_new_object(), *a = json_new_array(), *d;

	(void)state;
	json_set_str(j, "s", "x");
	json_set_i64(j, "n", INT64_MAX);
	json_set_bool(j, "b", true);
	json_set(j, "a", a);
	json_push(a, json_new_i64(INT64_MIN));
	json_push(a, json_new_strn((struct str)S("p\x00q")));
	json_push(a, json_new_null());
	json_push(a, json_new_str(NULL));
	expect_text(j, "{\"s\":\"x\",\"n\":9223372036854775807,\"b\":true,"
		       "\"a\":[-9223372036854775808,\"p?q\",null,null]}");
	json_set_i64(j, "s", -999999999999999); /* keeps its place */
	json_set_str(j, "b", NULL);
	json_del_at(a, 0);
	json_del_at(a, 9);
	json_del(j, "n");
	json_del(j, "absent");
	expect_text(j, "{\"s\":-999999999999999,\"b\":null,"
		       "\"a\":[\"p?q\",null,null]}");
	d = json_detach(j, "a");
	assert_null(json_key(d));
	assert_null(json_detach(j, "a"));
	json_set(j, "z", json_copy(d));
	json_set(j, "Z", d);
	expect_text(j, "{\"s\":-999999999999999,\"b\":null,"
		       "\"z\":[\"p?q\",null,null],\"Z\":[\"p?q\",null,null]}");
	d = json_copy(json_get(j, "z"));
	assert_null(json_key(d));
	json_free(d);
	json_free(j);
	json_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_gives_back_what_came),
		cmocka_unit_test(strings_are_repaired),
		cmocka_unit_test(integers),
		cmocka_unit_test(equality),
		cmocka_unit_test(looking_up),
		cmocka_unit_test(editing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
