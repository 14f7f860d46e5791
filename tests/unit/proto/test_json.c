/*
 * The scan against tables in the manner of JSONTestSuite: what the grammar
 * refuses, what it accepts, what we refuse on purpose. Each text also goes
 * through json_parse(), which must agree with the scan.
 */
#include "proto/data/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

#define S(literal) {(literal), sizeof(literal) - 1}

static void check(struct str text, bool accepted)
{
	struct err scan_err = {0}, err = {0};
	struct json *j = json_parse(text, NULL, &err);
	int rc = json_scan(text, NULL, &scan_err);

	if ((j != NULL) != accepted || (rc == 0) != accepted)
		fail_msg("%s: `%.*s` (%s)",
			accepted ? "should be accepted" : "should be refused",
			(int)text.n, text.p, err.text);
	if (!accepted) {
		assert_int_equal(err.cls, ERR_FAIL);
		assert_string_equal(err.text, scan_err.text);
		assert_ptr_equal(strstr(err.text, "not valid JSON at byte "),
			err.text);
	}
	json_free(j);
}

static const struct str refused[] = {
	/* arrays */
	S("[1 true]"), S("[a\xE5]"), S("[\"\": 1]"), S("[\"\"],"), S("[,1]"),
	S("[1,,2]"), S("[\"x\",,]"), S("[\"x\"]]"), S("[\"\",]"), S("[\"x\""),
	S("[x"), S("[3[4]]"), S("[\xFF]"), S("[1:2]"), S("[,]"), S("[-]"),
	S("[   , \"\"]"), S("[\"a\",\n4\n,1,"), S("[1,]"), S("[1,,]"),
	S("[\"\x0B\"\x0C]"), S("[*]"), S("[1,\n1\n,1"), S("[{}"), S("["),
	S("]"), S("[[[["), S("[}"), S("[1}"),
	/* words */
	S("[fals]"), S("[nul]"), S("[tru]"), S("[True]"), S("[NULL]"),
	S("nullx"), S("truefalse"), S("[nan]"), S("[NaN]"), S("[Infinity]"),
	S("[-Infinity]"), S("[undefined]"),
	/* numbers */
	S("[++1234]"), S("[+1]"), S("[+Inf]"), S("[-01]"), S("[-1.0.]"),
	S("[-2.]"), S("[.-1]"), S("[.2e-3]"), S("[0.1.2]"), S("[0.3e+]"),
	S("[0.3e]"), S("[0.e1]"), S("[0E+]"), S("[0E]"), S("[0e+]"), S("[0e]"),
	S("[1.0e+]"), S("[1.0e-]"), S("[1.0e]"), S("[1 000.0]"), S("[1eE2]"),
	S("[2.e+3]"), S("[2.e-3]"), S("[2.e3]"), S("[9.e+]"), S("[1+2]"),
	S("[0x1]"), S("[0x42]"), S("[-foo]"), S("[- 1]"), S("[-012]"),
	S("[-.123]"), S("[-1x]"), S("[1ea]"), S("[1.]"), S("[.123]"), S("[1a]"),
	S("[\xEF\xBC\x91]"), S("[1.2a-3]"), S("[012]"), S("[00]"), S("-"),
	S("[1.8011670033376514H-308]"),
	/* objects */
	S("[\"x\", truth]"), S("{[: \"x\"}"), S("{\"x\", null}"),
	S("{\"x\"::\"b\"}"), S("{\"a\":\"a\" 123}"), S("{key: 'value'}"),
	S("{\"\xB9\":\"0\",}"), S("{\"a\" b}"), S("{:\"b\"}"), S("{\"a\" \"b\"}"),
	S("{\"a\":"), S("{\"a\""), S("{1:1}"), S("{null:null,null:null}"),
	S("{\"id\":0,,,,,}"), S("{'a':0}"), S("{\"id\":0,}"),
	S("{\"a\":\"b\"}/**/"), S("{\"a\":\"b\"}/"), S("{\"a\":\"b\"}//"),
	S("{\"a\":\"b\",,\"c\":\"d\"}"), S("{a: \"b\"}"), S("{\"a\":\"a"),
	S("{ \"foo\" : \"bar\", \"a\" }"), S("{\"a\":\"b\"}#"), S("{"),
	S("{,"), S("{[}"), S("{]"), S("{\"a\":1]"), S("{\"a\"}"), S("}"),
	S("{\"a\":}"), S("{\"a\":1 \"b\":2}"),
	/* strings */
	S("[\"\\uD800\\\"]"), S("[\"\\uD800\\u\"]"), S("[\"\\uD800\\u1\"]"),
	S("[\"\\uD800\\u1x\"]"), S("[\xC3\xA9]"), S("[\"\\x00\"]"),
	S("[\"\\\\\\\"]"), S("[\"\\\t\"]"), S("[\"\\\xF0\x9F\x8C\x80\"]"),
	S("[\"\\\"]"), S("[\"\\u00A\"]"), S("[\"\\uD834\\uDd\"]"),
	S("[\"\\uD800\\uD800\\x\"]"), S("[\"\\u\xE5\"]"), S("[\"\\a\"]"),
	S("[\"\\uqqqq\"]"), S("[\"\\\xE5\"]"), S("[\\u0020\"asd\"]"), S("[\\n]"),
	S("\""), S("['single quote']"), S("abc"), S("[\"\\"), S("[\"a\x00\"]"),
	S("[\"new\nline\"]"), S("[\"\t\"]"), S("\"\\UA66D\""), S("\"x"),
	S("[\"\x1F\"]"), S("\"\\u12\""), S("\"\\u"),
	/* bytes that are not UTF-8, and half pairs */
	S("[\"\xE9\"]"), S("[\"\x81\"]"), S("[\"\xF4\xBF\xBF\xBF\"]"),
	S("[\"\xC0\xAF\"]"), S("[\"\xE0\x80\xAF\"]"), S("[\"\xF0\x80\x80\xAF\"]"),
	S("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]"), S("[\"\xED\xA0\x80\"]"),
	S("[\"\xED\xBF\xBF\"]"), S("[\"\xE6\x97\xA5\xD1\x88\xFA\"]"),
	S("[\"\xC3\"]"), S("[\"\xE2\x82\"]"), S("[\"\xFF\"]"), S("[\"\xFE\"]"),
	S("[\"\\uDADA\"]"), S("[\"\\uD888\\u1234\"]"), S("[\"\\uD800\\n\"]"),
	S("[\"\\uDd1ea\"]"), S("[\"\\uD800\\uD800\"]"), S("[\"\\ud800\"]"),
	S("[\"\\ud800abc\"]"), S("[\"\\uDd1e\\uD834\"]"), S("[\"\\uDFAA\"]"),
	/* structure */
	S(""), S(" "), S("<.>"), S("[<null>]"), S("[1]x"), S("[1]]"),
	S("[\"asd]"), S("a\xC3\xA5"), S("[True]"), S("1]"), S("{\"x\": true,"),
	S("[][]"), S("*"), S("{\"\":"), S("[1]\x00"), S("\xEF\xBB\xBF{}"),
	S("\xEF\xBB\xBF"), S("{}}"), S("[\xE2\x81\xA0]"), S("[\x0C]"),
	S("\xE5"), S("2@"), S("{}1"), S("[1] 2"), S("// c\n1"), S("\x00"),
	S("\xFF\xFE[\x00]\x00"), S("[\xC2\xA0""1]"), S("1 2"), S("\"a\" \"b\""),
};

static const struct str accepted[] = {
	S("[[]   ]"), S("[\"\"]"), S("[]"), S("[\"a\"]"), S("[false]"),
	S("[null, 1, \"1\", {}]"), S("[null]"), S("[1\n]"), S(" [1]"),
	S("[1,null,null,null,2]"), S("[2] "), S("[123e65]"), S("[0e+1]"),
	S("[0e1]"), S("[ 4]"), S("[-0.0000000000000000000000000000000000000000"
				 "00000000000000000000000000000000000001]"),
	S("[20e1]"), S("[-0]"), S("[-123]"), S("[-1]"), S("[1E22]"),
	S("[1E-2]"), S("[1E+2]"), S("[123e45]"), S("[123.456e78]"), S("[1e-2]"),
	S("[1e+2]"), S("[123]"), S("[123.456789]"), S("[0.4e006699999999999999"
		"999999999999999999999999999999999999999999999969999999006]"),
	S("[-1e+9999]"), S("[1.5e+9999]"), S("[123123e100000]"),
	S("[100000000000000000000]"), S("[-237462374673276894279832]"),
	S("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"), S("{\"asd\":\"sdf\"}"), S("{}"),
	S("{\"\":0}"), S("{\"min\":-1.0e+28,\"max\":1.0e+28}"),
	S("{\"x\":[{\"id\":\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}]}"),
	S("{\"a\":[]}"), S("{\n\"a\": \"b\"\n}"), S("{\"a\":1,\"A\":2}"),
	S("[\"\\u0060\\u012a\\u12AB\"]"), S("[\"\\uD801\\udc37\"]"),
	S("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
	S("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"), S("[\"\\\\u0000\"]"),
	S("[\"\\\"\"]"), S("[\"a/*b*/c/*d//e\"]"), S("[\"\\\\a\"]"),
	S("[\"\\\\n\"]"), S("[\"\\u0012\"]"), S("[\"\\uFFFF\"]"),
	S("[\"asd\"]"), S("[ \"asd\"]"), S("[\"\\uDBFF\\uDFFF\"]"),
	S("[\"new\\u00A0line\"]"), S("[\"\xF4\x8F\xBF\xBF\"]"),
	S("[\"\xEF\xBF\xBF\"]"), S("[\"\\u002c\"]"), S("[\"\xCF\x80\"]"),
	S("[\"\xF0\x9B\xBF\xBF\"]"), S("[\"asd \"]"), S("\" \""),
	S("[\"\\uD834\\uDd1e\"]"), S("[\"\\u0821\"]"), S("[\"\\u0123\"]"),
	S("[\"\xE2\x80\xA8\"]"), S("[\"\xE2\x80\xA9\"]"),
	S("[\"\\u0061\\u30af\\u30EA\\u30b9\"]"), S("[\"new\\u000Aline\"]"),
	S("[\"\x7F\"]"), S("[\"\\uA66D\"]"), S("[\"\\u005C\"]"),
	S("[\"\xE2\x8D\x82\xE3\x88\xB4\xE2\x8D\x82\"]"), S("[\"\\u0022\"]"),
	S("[\"\\uFDD0\"]"), S("[\"\\uFFFE\"]"), S("[\"\\u200B\"]"),
	S("[\"\\u2064\"]"), S("[\"\xE2\x82\xAC\xF0\x9D\x84\x9E\"]"),
	S("[\"a\x7F""a\"]"), S("false"), S("42"), S("-0.1"), S("null"),
	S("\"asd\""), S("true"), S("\"\""), S("[\"a\"]\n"), S("[true]"),
	S(" [] "), S("\t\r\n {} \n"), S("0"), S("1e5"), S("[0.0]"),
	S("[\"\xED\x9F\xBF\xEE\x80\x80\"]"), S("{\"a\":{\"a\":{\"a\":[]}}}"),
	S("[[1,2],[1,2],{\"a\":1},{\"a\":1}]"),
};

/* Valid JSON that we refuse: a reader behind us may take the other meaning. */
static const struct str refused_on_purpose[] = {
	S("{\"a\":\"b\",\"a\":\"c\"}"), S("{\"a\":\"b\",\"a\":\"b\"}"),
	S("{\"\\u0061\":1,\"a\":2}"), S("{\"a\":1,\"b\":2,\"\\u0061\":1}"),
	S("{\"\\uD834\\uDD1E\":1,\"\xF0\x9D\x84\x9E\":1}"),
	S("{\"\":1,\"\":2}"), S("{\"/\":1,\"\\/\":2}"),
	S("[{\"x\":{\"y\":1,\"z\":[],\"y\":2}}]"), S("{\"\\n\":1,\"\\u000a\":2}"),
	S("[\"\\u0000\"]"), S("{\"foo\\u0000bar\": 42}"), S("\"\\u0000\""),
};

/* What cJSON by itself takes without a word. */
static const struct str taken_by_cjson[] = {
	S("{\"tag\":\"v1\\u0000evil\"}"), S("{\"tag\":\"v1\x00\"}"),
	S("{\"tag\":\"v\xFF\"}"), S("{\"tag\":\"v\xC0\x80\"}"),
	S("{\"tag\":\"v\n1\"}"), S("{\"tag\":\"v\x1b[31m\"}"),
	S("{\"tag\":\"a\",\"tag\":\"b\"}"), S("{\"n\":01}"), S("{\"n\":-.5}"),
	S("{\"n\":1.}"), S("{} trailing"), S("\xEF\xBB\xBF{}"),
	S("{\"a\":1}\x0B"),
};

static void scan_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused); i++)
		check(refused[i], false);
}

static void scan_accepts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++)
		check(accepted[i], true);
}

static void scan_refuses_on_purpose(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(refused_on_purpose); i++)
		check(refused_on_purpose[i], false);
}

static void scan_refuses_what_cjson_takes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(taken_by_cjson); i++)
		check(taken_by_cjson[i], false);
}

/* No part of a text that ends inside a container is a text. */
static void every_truncation_is_refused(void **state)
{
	static const struct str text =
		S("{\"a\":[1.5e3,\"\\ud83d\\ude39\xE2\x82\xAC\",null],\"b\":{}}");

	(void)state;
	for (size_t n = 0; n < text.n; n++)
		check(str_cut(text, 0, n), false);
	check(text, true);
}

static void errors_say_where_and_what(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"", "not valid JSON at byte 0: it is empty"},
		{"{\"tag\":\"a\",\"tag\":\"b\"}",
			"not valid JSON at byte 20: the key \"tag\" is given twice"},
		{"{\"tag\":\"v\\u0000\"}",
			"not valid JSON at byte 9: an escaped NUL"},
		{"[1,2", "not valid JSON at byte 4: a comma or ] was expected"},
		{"[1] x", "not valid JSON at byte 4: something follows the value"},
		{"[01]", "not valid JSON at byte 2: a comma or ] was expected"},
		{"{\"a\":\xFF}", "not valid JSON at byte 5: a value was expected"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err err = {0};

		assert_int_equal(
			json_scan(str_from(rows[i].text), NULL, &err), -1);
		assert_string_equal(err.text, rows[i].error);
	}
}

static void nested(struct strbuf *sb, size_t depth, char open, char close)
{
	for (size_t i = 0; i < depth; i++) {
		strbuf_add_char(sb, open);
		if (open == '{' && i + 1 < depth)
			strbuf_add_cstr(sb, "\"a\":");
	}
	for (size_t i = 0; i < depth; i++)
		strbuf_add_char(sb, close);
}

static int scan_nested(size_t depth, char open, char close,
	const struct json_limits *limits)
{
	struct strbuf sb = {0};
	struct json *j;
	int rc;

	nested(&sb, depth, open, close);
	rc = json_scan(strbuf_str(&sb), limits, NULL);
	j = json_parse(strbuf_str(&sb), limits, NULL);
	assert_int_equal(j != NULL, rc == 0);
	json_free(j);
	strbuf_release(&sb);
	return rc;
}

static void depth_is_limited(void **state)
{
	static const struct json_limits deep = {.depth = 5000, .nodes = 100000};
	static const struct json_limits two = {.depth = 2};

	(void)state;
	assert_int_equal(scan_nested(32, '[', ']', NULL), 0);
	assert_int_equal(scan_nested(33, '[', ']', NULL), -1);
	assert_int_equal(scan_nested(32, '{', '}', NULL), 0);
	assert_int_equal(scan_nested(33, '{', '}', NULL), -1);
	assert_int_equal(scan_nested(2, '[', ']', &two), 0);
	assert_int_equal(scan_nested(3, '[', ']', &two), -1);
	/* Whatever is asked for, never deeper than the tree can be. */
	assert_int_equal(scan_nested(1000, '[', ']', &deep), 0);
	assert_int_equal(scan_nested(1001, '[', ']', &deep), -1);
	assert_int_equal(scan_nested(100000, '[', ']', NULL), -1);
}

static int scan_zeros(size_t n, const struct json_limits *limits)
{
	struct strbuf sb = {0};
	int rc;

	strbuf_add_char(&sb, '[');
	for (size_t i = 0; i < n; i++)
		strbuf_add_cstr(&sb, i ? ",0" : "0");
	strbuf_add_char(&sb, ']');
	rc = json_scan(strbuf_str(&sb), limits, NULL);
	strbuf_release(&sb);
	return rc;
}

static void values_are_limited(void **state)
{
	static const struct json_limits three = {.nodes = 3};

	(void)state;
	assert_int_equal(scan_zeros(9999, NULL), 0);
	assert_int_equal(scan_zeros(10000, NULL), -1);
	assert_int_equal(scan_zeros(2, &three), 0);
	assert_int_equal(scan_zeros(3, &three), -1);
}

/* Many equal prefixes must not make the look for duplicates slow. */
static void many_keys(void **state)
{
	static const struct json_limits large = {.nodes = 300000};
	struct strbuf sb = {0};
	struct err err = {0};

	(void)state;
	strbuf_add_char(&sb, '{');
	for (unsigned i = 0; i < 200000; i++)
		strbuf_addf(&sb, "\"aaaaaaaaaaaaaaaaaaaa%u\":0,", i);
	strbuf_add_cstr(&sb, "\"z\":0}");
	assert_int_equal(json_scan(strbuf_str(&sb), &large, NULL), 0);
	strbuf_truncate(&sb, sb.len - 1);
	strbuf_add_cstr(&sb, ",\"aaaaaaaaaaaaaaaaaaaa777\":0}");
	assert_int_equal(json_scan(strbuf_str(&sb), &large, &err), -1);
	assert_non_null(strstr(err.text, "aaa777\" is given twice"));
	strbuf_release(&sb);
}

static void every_accepted_text_survives(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(accepted); i++) {
		struct strbuf out = {0};
		struct json *a = json_parse(accepted[i], NULL, NULL), *b;

		json_write(a, &out);
		b = json_parse(strbuf_str(&out), NULL, NULL);
		assert_non_null(b);
		assert_true(json_equal(a, b));
		json_free(a);
		json_free(b);
		strbuf_release(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scan_refuses),
		cmocka_unit_test(scan_accepts),
		cmocka_unit_test(scan_refuses_on_purpose),
		cmocka_unit_test(scan_refuses_what_cjson_takes),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(errors_say_where_and_what),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(values_are_limited),
		cmocka_unit_test(many_keys),
		cmocka_unit_test(every_accepted_text_survives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
