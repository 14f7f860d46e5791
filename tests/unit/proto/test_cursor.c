#include "proto/msg/cursor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define CUR(literal) cursor_of(STR(literal))

static const struct {
	const char *bytes;
	size_t n;
	int rc;
	int64_t want;
} ints[] = {
	{"\x00", 1, 0, 0},
	{"\x7f", 1, 0, 127},
	{"\xff", 1, 0, -1},
	{"\xe0", 1, 0, -32},
	{"\xcc\xff", 2, 0, 255},
	{"\xcd\xff\xff", 3, 0, 65535},
	{"\xce\xff\xff\xff\xff", 5, 0, 4294967295},
	{"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9, 0, INT64_MAX},
	{"\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9, -1, 0},
	{"\xd0\x80", 2, 0, -128},
	{"\xd0\x05", 2, 0, 5},
	{"\xd1\x80\x00", 3, 0, -32768},
	{"\xd2\x80\x00\x00\x00", 5, 0, INT32_MIN},
	{"\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9, 0, INT64_MIN},
	{"\xd3\x00\x00\x00\x00\x00\x00\x00\x07", 9, 0, 7},
	{"\xd3\x00\x00", 3, -1, 0},
	{"\xcc", 1, -1, 0},
	{"", 0, -1, 0},
	{"\xc0", 1, -1, 0},
	{"\xa1\x31", 2, -1, 0},
	{"\xca\x00\x00\x00\x00", 5, -1, 0},
};

static void test_i64(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ints); i++) {
		struct cursor c =
			cursor_of((struct str){ints[i].bytes, ints[i].n});
		int64_t v = 0;
		int rc = cursor_i64(&c, &v);

		if (rc != ints[i].rc || v != ints[i].want)
			fail_msg("case %zu: %d, %lld", i, rc, (long long)v);
		assert_int_equal(cursor_left(&c), rc == 0 ? 0 : ints[i].n);
	}
}

/* What claims more than follows is refused, and the cursor stays. */
static const struct {
	const char *bytes;
	size_t n;
} liars[] = {
	{"\xdd\x0f\xff\xff\xff", 5},
	{"\xdf\x0f\xff\xff\xff", 5},
	{"\xdd\xff\xff\xff\xff\x00", 6},
	{"\xdc\x00\x02\x00", 4},
	{"\xde\x00\x01\x00", 4},
	{"\xdf\x00\x00\x00\x02\x00\x00\x00", 8},
	{"\x92\x00", 2},
	{"\x81\x00", 2},
	{"\xdb\xff\xff\xff\xff", 5},
	{"\xda\x00\x02\x61", 4},
	{"\xd9\x01", 2},
	{"\xa2\x61", 2},
	{"\xc6\xff\xff\xff\xff", 5},
	{"\xc9\xff\xff\xff\xff\x00", 6},
	{"\xc7\x01\x00", 3},
	{"\xd8\x00\x00", 3},
	{"\xca\x00\x00\x00", 4},
	{"\xcb\x00\x00\x00\x00\x00\x00\x00", 8},
	{"\xc1", 1},
	{"", 0},
};

static void test_claims(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(liars); i++) {
		struct cursor c =
			cursor_of((struct str){liars[i].bytes, liars[i].n});
		struct str s;
		size_t n;

		if (cursor_array(&c, &n) == 0 || cursor_map(&c, &n) == 0 ||
			cursor_str(&c, &s) == 0 || cursor_skip(&c, 16) == 0)
			fail_msg("case %zu is taken", i);
		assert_int_equal(cursor_left(&c), liars[i].n);
	}
}

static void test_takes(void **state)
{
	struct cursor c = CUR("\xc3\xc2\xa2hi\xd9\x01x\x92\x01\x02\x81\x01\x02"
			      "\xdc\x00\x01\x05\xde\x00\x00");
	struct str s;
	int64_t v;
	size_t n;
	bool b;

	(void)state;
	assert_int_equal(cursor_bool(&c, &b), 0);
	assert_true(b);
	assert_int_equal(cursor_bool(&c, &b), 0);
	assert_false(b);
	assert_int_equal(cursor_bool(&c, &b), -1);
	assert_int_equal(cursor_str(&c, &s), 0);
	assert_true(str_is(s, "hi"));
	assert_int_equal(cursor_str(&c, &s), 0);
	assert_true(str_is(s, "x"));
	assert_int_equal(cursor_array(&c, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(cursor_i64(&c, &v), 0);
	assert_int_equal(cursor_i64(&c, &v), 0);
	assert_int_equal(v, 2);
	assert_int_equal(cursor_skip(&c, 1), 0);
	assert_int_equal(cursor_array(&c, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(cursor_i64(&c, &v), 0);
	assert_int_equal(cursor_map(&c, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(cursor_left(&c), 0);
}

/* One of each form, to be skipped whole. */
static void test_skip_forms(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} forms[] = {
		{"\xc0", 1},
		{"\xc2", 1},
		{"\xc4\x01z", 3},
		{"\xc5\x00\x01z", 4},
		{"\xc6\x00\x00\x00\x01z", 6},
		{"\xc7\x02\x09zz", 5},
		{"\xc8\x00\x01\x09z", 5},
		{"\xc9\x00\x00\x00\x01\x09z", 7},
		{"\xca\x00\x00\x00\x00", 5},
		{"\xcb\x00\x00\x00\x00\x00\x00\x00\x00", 9},
		{"\xd4\x09z", 3},
		{"\xd5\x09zz", 4},
		{"\xd6\x09zzzz", 6},
		{"\xd7\x09zzzzzzzz", 10},
		{"\xd8\x09zzzzzzzzzzzzzzzz", 18},
		{"\xda\x00\x01z", 4},
		{"\xdb\x00\x00\x00\x01z", 6},
		{"\xdd\x00\x00\x00\x01\xc0", 6},
		{"\xdf\x00\x00\x00\x01\xc0\xc0", 7},
		{"\x92\xc0\x82\x01\x02\x03\x91\x04", 8},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
		struct cursor c =
			cursor_of((struct str){forms[i].bytes, forms[i].n});

		if (cursor_skip(&c, 3) != 0 || cursor_left(&c) != 0)
			fail_msg("case %zu is not skipped whole", i);
	}
}

static void test_depth(void **state)
{
	char nest[64];
	struct cursor c;

	(void)state;
	memset(nest, 0x91, sizeof(nest)); /* arrays of one */
	nest[16] = 0x00;
	c = cursor_of((struct str){nest, 17}); /* 16 arrays and a 0 */
	assert_int_equal(cursor_skip(&c, 15), -1);
	assert_int_equal(cursor_left(&c), 17);
	assert_int_equal(cursor_skip(&c, 16), 0);
	c = CUR("\x05");
	assert_int_equal(cursor_skip(&c, 0), 0);
}

/* Any bytes: no value reaches past the end (the sanitizers watch), and work
 * stays in proportion. */
static void test_random(void **state)
{
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		size_t n = (size_t)(rand_r(&seed) % 40);
		char *bytes = malloc(n + 1); /* exact, so that a step too far
						is seen */
		struct cursor c;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (char)rand_r(&seed);
		c = cursor_of((struct str){bytes, n});
		while (cursor_left(&c) != 0 && cursor_skip(&c, 16) == 0)
			;
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_i64),
		cmocka_unit_test(test_claims),
		cmocka_unit_test(test_takes),
		cmocka_unit_test(test_skip_forms),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
