#include "proto/msg/field.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

struct part {
	char *name;
	int64_t size;
};

struct thing {
	char *name;
	char *json;
	int64_t count;
	bool flag;
	struct field_strs tags;
	struct field_i64s sums;
	struct part part;
	int64_t always;
};

static const struct field part_fields[] = {
	FIELD(struct part, name, FIELD_STR, 8, FIELD_REQUIRED, "Its name."),
	FIELD(struct part, size, FIELD_I64, 0, 0, "Its size."),
};

static const struct field_table part_table = {
	.name = "part", .help = "A part.", .size = sizeof(struct part),
	.fields = part_fields, .n = ARRAY_LEN(part_fields),
};

static const struct field thing_fields[] = {
	FIELD(struct thing, name, FIELD_STR, 10, FIELD_REQUIRED, "Name."),
	FIELD(struct thing, json, FIELD_JSON, 12, 0, "Json."),
	FIELD(struct thing, count, FIELD_I64, 0, 0, "Count."),
	FIELD(struct thing, flag, FIELD_BOOL, 0, 0, "Flag."),
	FIELD(struct thing, tags, FIELD_STRS, 3, 0, "Tags."),
	FIELD(struct thing, sums, FIELD_I64S, 4, 0, "Sums."),
	FIELD_OF(struct thing, part, &part_table, 0, "Part."),
	FIELD(struct thing, always, FIELD_I64, 0, FIELD_REQUIRED, "Always."),
};

static const struct field_table table = {
	.name = "thing", .help = "A thing.", .size = sizeof(struct thing),
	.fields = thing_fields, .n = ARRAY_LEN(thing_fields),
};

static void fill(struct thing *t)
{
	*t = (struct thing){
		.name = xstrdup("n\xc3\xa4me"),
		.json = xstrdup("{\"a\":1}"),
		.count = -70000,
		.flag = true,
		.part = {.name = xstrdup("p"), .size = INT64_MAX},
		.always = 0,
	};
	t->tags.v = xcalloc(2, sizeof(char *));
	t->tags.n = 2;
	t->tags.v[0] = xstrdup("one");
	t->tags.v[1] = xstrdup("");
	t->sums.v = xcalloc(3, sizeof(int64_t));
	t->sums.n = 3;
	t->sums.v[1] = INT64_MIN;
	t->sums.v[2] = 5;
}

static void check_filled(const struct thing *t)
{
	assert_string_equal(t->name, "n\xc3\xa4me");
	assert_string_equal(t->json, "{\"a\":1}");
	assert_int_equal(t->count, -70000);
	assert_true(t->flag);
	assert_int_equal(t->tags.n, 2);
	assert_string_equal(t->tags.v[0], "one");
	assert_string_equal(t->tags.v[1], "");
	assert_int_equal(t->sums.n, 3);
	assert_true(t->sums.v[1] == INT64_MIN);
	assert_int_equal(t->sums.v[2], 5);
	assert_string_equal(t->part.name, "p");
	assert_true(t->part.size == INT64_MAX);
	assert_int_equal(t->always, 0);
}

static void test_round_trip(void **state)
{
	struct thing a, b = {0}, c;
	struct strbuf out = {0};
	struct err err;

	(void)state;
	fill(&a);
	strbuf_add_cstr(&out, "before");
	assert_int_equal(field_pack(&table, &a, &out, &err), 0);
	assert_int_equal(
		field_unpack(&table, str_cut(strbuf_str(&out), 6, out.len), &b,
			&err),
		0);
	check_filled(&b);
	field_copy(&table, &c, &b);
	field_release(&table, &b);
	assert_null(b.name);
	assert_int_equal(b.count, 0);
	check_filled(&c);
	field_release(&table, &c);
	field_release(&table, &a);
	field_release(&table, &a);
	strbuf_release(&out);
}

/* What is not set does not travel, and reads as not set. */
static void test_absent(void **state)
{
	struct thing a = {.name = "n", .part = {.name = "p"}}, b = {0};
	struct strbuf out = {0};
	struct err err;

	(void)state;
	assert_int_equal(field_pack(&table, &a, &out, &err), 0);
	assert_int_equal(out.len, strlen("\x83\xa4name\xa1n\xa4part\x81\xa4"
					 "name\xa1p\xa6"
					 "always") +
			1);
	assert_int_equal(field_unpack(&table, strbuf_str(&out), &b, &err), 0);
	assert_null(b.json);
	assert_int_equal(b.count, 0);
	assert_false(b.flag);
	assert_int_equal(b.tags.n, 0);
	assert_null(b.sums.v);
	field_release(&table, &b);
	strbuf_release(&out);
}

/* The smallest good thing, to which cases add a pair. */
#define GOOD "\xa4name\xa1n\xa6" "always\x00"

static const struct {
	const char *bytes;
	size_t n;
	const char *error; /* NULL: taken */
} bodies[] = {
#define BODY(literal, e) {literal, sizeof(literal) - 1, e}
	BODY("\x82" GOOD, NULL),
	BODY("\xde\x00\x02" GOOD, NULL),
	BODY("\xdf\x00\x00\x00\x02" GOOD, NULL),
	/* names that we do not know, of any type */
	BODY("\x83" GOOD "\xa3new\x93\x01\xc0\x81\xa1k\xca\0\0\0\0", NULL),
	BODY("\x84" GOOD "\xa3new\x01\xa3new\x02", NULL),
	BODY("\x83" GOOD "\xa5" "count\xd3\xff\xff\xff\xff\xff\xff\xff\xff",
		NULL),
	BODY("", "thing: is not a map, or is cut short"),
	BODY("\x93", "thing: is not a map, or is cut short"),
	BODY("\xdf\x0f\xff\xff\xff", "thing: is not a map, or is cut short"),
	BODY("\x82" GOOD "\x00", "thing: 1 bytes are left over"),
	BODY("\x81\xa4name\xa1n", "thing.always: is missing"),
	BODY("\x81\xa6" "always\x00", "thing.name: is missing"),
	BODY("\x82\xa4name\xa0\xa6" "always\x00", "thing.name: is empty"),
	BODY("\x83" GOOD "\xa4name\xa1n", "thing.name: is given twice"),
	BODY("\x83" GOOD "\x01\x02",
		"thing: a field's name is not text, or is cut short"),
	BODY("\x83" GOOD "\xa5" "cou",
		"thing: a field's name is not text, or is cut short"),
	BODY("\x83" GOOD "\xa5" "count\xa1" "7",
		"thing.count: is not an integer, or is cut short"),
	BODY("\x83" GOOD "\xa5" "count\xca\0\0\0\0",
		"thing.count: is not an integer, or is cut short"),
	BODY("\x83" GOOD "\xa5" "count\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
		"thing.count: is not an integer, or is cut short"),
	BODY("\x83" GOOD "\xa5" "count\xcd\x01",
		"thing.count: is not an integer, or is cut short"),
	BODY("\x83" GOOD "\xa4json\x01",
		"thing.json: is not text, or is cut short"),
	BODY("\x83" GOOD "\xa4json\xc0",
		"thing.json: is not text, or is cut short"),
	BODY("\x83" GOOD "\xa4json\xdb\x7f\xff\xff\xff",
		"thing.json: is not text, or is cut short"),
	BODY("\x83" GOOD "\xa4json\xad" "1234567890123",
		"thing.json: 13 bytes, the limit is 12"),
	BODY("\x83" GOOD "\xa4json\xac" "123456789012", NULL),
	BODY("\x83" GOOD "\xa4json\xa2\xc0\x80", "thing.json: is not UTF-8"),
	BODY("\x83" GOOD "\xa4json\xa3" "a\0b", "thing.json: has a NUL"),
	BODY("\x83" GOOD "\xa4" "flag\x01",
		"thing.flag: is not true or false, or is cut short"),
	BODY("\x83" GOOD "\xa4tags\x93\xa1" "a\xa1" "b\xa1" "c", NULL),
	BODY("\x83" GOOD "\xa4tags\x94\xa1" "a\xa1" "b\xa1" "c\xa1" "d",
		"thing.tags: 4 elements, the limit is 3"),
	BODY("\x83" GOOD "\xa4tags\xdd\x0f\xff\xff\xff",
		"thing.tags: is not an array, or is cut short"),
	BODY("\x83" GOOD "\xa4tags\x93\xa1" "a\xa1" "b\x01",
		"thing.tags: is not text, or is cut short"),
	BODY("\x83" GOOD "\xa4tags\x80",
		"thing.tags: is not an array, or is cut short"),
	BODY("\x83" GOOD "\xa4sums\x92\x01\xc2",
		"thing.sums: is not an array of integers, or is cut short"),
	BODY("\x83" GOOD "\xa4sums\x95\x01\x01\x01\x01\x01",
		"thing.sums: 5 elements, the limit is 4"),
	BODY("\x83" GOOD "\xa4part\x80", "part.name: is missing"),
	BODY("\x83" GOOD "\xa4part\x01",
		"part: is not a map, or is cut short"),
	BODY("\x83" GOOD "\xa4part\x81\xa4name\xa9" "123456789",
		"part.name: 9 bytes, the limit is 8"),
	BODY("\x83" GOOD "\xa4part\x81\xa4name\xa8" "12345678", NULL),
	/* 14 levels inside the map are taken, 15 are not */
	BODY("\x83" GOOD "\xa1x\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
	     "\x91\x91\x90",
		NULL),
	BODY("\x83" GOOD "\xa1x\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
	     "\x91\x91\x91\x90",
		"thing: a field that is not known to us is malformed or "
		"nested too deeply"),
};

static void test_bodies(void **state)
{
	static const struct thing zero;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct str s = {bodies[i].bytes, bodies[i].n};
		struct thing t = {0};
		struct err err = {0};
		int rc = field_unpack(&table, s, &t, &err);

		if (bodies[i].error == NULL && rc != 0)
			fail_msg("case %zu: %s", i, err.text);
		if (bodies[i].error != NULL && rc == 0)
			fail_msg("case %zu is taken", i);
		if (rc != 0) {
			assert_string_equal(err.text, bodies[i].error);
			assert_int_equal(err.cls, ERR_FAIL);
			assert_memory_equal(&t, &zero, sizeof(t));
		}
		field_release(&table, &t);
	}
}

/* Every prefix of a good message is refused; every flipped byte is taken or
 * refused, and nothing leaks or is overrun (the sanitizers watch). */
static void test_damage(void **state)
{
	struct strbuf out = {0};
	struct thing a, b = {0};
	struct err err;

	(void)state;
	fill(&a);
	assert_int_equal(field_pack(&table, &a, &out, &err), 0);
	for (size_t n = 0; n < out.len; n++) {
		char *cut = malloc(n + 1);

		memcpy(cut, out.buf, n);
		assert_int_equal(
			field_unpack(&table, (struct str){cut, n}, &b, &err),
			-1);
		free(cut);
	}
	for (size_t i = 0; i < out.len; i++) {
		char kept = out.buf[i];

		for (int v = 0; v < 256; v++) {
			out.buf[i] = (char)v;
			if (field_unpack(&table, strbuf_str(&out), &b, &err) ==
				0)
				field_release(&table, &b);
		}
		out.buf[i] = kept;
	}
	field_release(&table, &a);
	strbuf_release(&out);
}

/* What the other end would refuse does not leave. */
static void test_pack_refuses(void **state)
{
	char *four[4] = {"a", "b", "c", "d"};
	char *bad[1] = {"\xff"};
	static char big[FIELD_MAX_ELEMENT + 2];
	char *large[1] = {big};
	int64_t five[5] = {0};
	const struct {
		struct thing t;
		const char *error;
	} cases[] = {
		{{.part.name = "p"}, "thing.name: is empty"},
		{{.name = "", .part.name = "p"}, "thing.name: is empty"},
		{{.name = "12345678901", .part.name = "p"},
			"thing.name: 11 bytes, the limit is 10"},
		{{.name = "\xed\xa0\x80", .part.name = "p"},
			"thing.name: is not UTF-8"},
		{{.name = "n", .tags = {four, 4}, .part.name = "p"},
			"thing.tags: 4 elements, the limit is 3"},
		{{.name = "n", .tags = {bad, 1}, .part.name = "p"},
			"thing.tags: is not UTF-8"},
		{{.name = "n", .tags = {large, 1}, .part.name = "p"},
			"thing.tags: 1025 bytes, the limit is 1024"},
		{{.name = "n", .sums = {five, 5}, .part.name = "p"},
			"thing.sums: 5 elements, the limit is 4"},
		{{.name = "n"}, "part.name: is empty"},
	};

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct strbuf out = {0};
		struct err err;

		strbuf_add_cstr(&out, "kept");
		assert_int_equal(field_pack(&table, &cases[i].t, &out, &err),
			-1);
		assert_string_equal(err.text, cases[i].error);
		assert_string_equal(strbuf_cstr(&out), "kept");
		strbuf_release(&out);
	}
}

static void test_pack_limit(void **state)
{
	struct thing t = {.name = "n", .part.name = "p"};
	struct strbuf out = {.limit = 10};
	struct err err;

	(void)state;
	assert_int_equal(field_pack(&table, &t, &out, &err), -1);
	assert_string_equal(err.text, "thing: is too large to be sent");
	strbuf_release(&out);
}

static void test_fit(void **state)
{
	struct thing t = {
		.name = xstrdup("a\xff\xc3\xa4" "bcde\xe2\x82\xac"),
		.json = xstrdup("\"12345678901\""),
		.part.name = xstrdup("\xc3"),
	};
	struct strbuf out = {0};
	struct err err;

	(void)state;
	t.tags.n = 4;
	t.tags.v = xcalloc(4, sizeof(char *));
	for (size_t i = 0; i < 4; i++)
		t.tags.v[i] = xstrdup("\xe2\x82");
	field_fit(&table, &t);
	assert_string_equal(t.name, "a?\xc3\xa4" "bcde");
	assert_null(t.json);
	assert_int_equal(t.tags.n, 3);
	assert_string_equal(t.tags.v[2], "?\?");
	assert_string_equal(t.part.name, "?");
	assert_int_equal(field_pack(&table, &t, &out, &err), 0);
	field_fit(&table, &t);
	assert_string_equal(t.name, "a?\xc3\xa4" "bcde");
	field_release(&table, &t);
	strbuf_release(&out);
}

static void test_print(void **state)
{
	struct strbuf out = {0};
	struct thing t;

	(void)state;
	fill(&t);
	free(t.name);
	t.name = xstrdup("a \"b\"\n\x1b[31m");
	strbuf_add_cstr(&out, "got ");
	field_print(&table, &t, &out);
	assert_string_equal(strbuf_cstr(&out),
		"got name=\"a \\\"b\\\"\\x0a\\x1b[31m\" "
		"json=\"{\\\"a\\\":1}\" count=-70000 flag=true "
		"tags=[one,\"\"] sums=[0,-9223372036854775808,5] "
		"part.name=p part.size=9223372036854775807");
	strbuf_truncate(&out, 0);
	free(t.name);
	t.name = xcalloc(1, 1001);
	memset(t.name, 'x', 1000);
	field_print(&table, &t, &out);
	assert_true(out.len < 500);
	assert_non_null(strstr(strbuf_cstr(&out), "xxx... json="));
	field_release(&table, &t);
	strbuf_release(&out);
}

static void test_markdown(void **state)
{
	struct strbuf out = {0};

	(void)state;
	field_print_markdown(&part_table, &out);
	assert_string_equal(strbuf_cstr(&out),
		"### part\n\nA part.\n\n"
		"| field | type | limit | required | meaning |\n"
		"|---|---|---|---|---|\n"
		"| `name` | text | 8 bytes | yes | Its name. |\n"
		"| `size` | integer | 64 bits |  | Its size. |\n\n");
	strbuf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_pack_refuses),
		cmocka_unit_test(test_pack_limit),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_markdown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
