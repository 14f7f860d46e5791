#include "proto/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct {
	const char *bytes;
	size_t n, step;
} steps[] = {
	{"", 0, 0},
	{"a", 1, 1},
	{"\0", 1, 1},
	{"\x7f", 1, 1},
	{"\xc2\x80", 2, 2},
	{"\xdf\xbf", 2, 2},
	{"\xe0\xa0\x80", 3, 3},
	{"\xed\x9f\xbf", 3, 3},
	{"\xee\x80\x80", 3, 3},
	{"\xef\xbf\xbf", 3, 3},
	{"\xf0\x90\x80\x80", 4, 4},
	{"\xf4\x8f\xbf\xbf", 4, 4},
	{"\x80", 1, 0},             /* a tail first */
	{"\xc0\x80", 2, 0},         /* overlong */
	{"\xc1\xbf", 2, 0},
	{"\xe0\x9f\xbf", 3, 0},
	{"\xf0\x8f\xbf\xbf", 4, 0},
	{"\xed\xa0\x80", 3, 0},     /* surrogate */
	{"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
	{"\xf5\x80\x80\x80", 4, 0},
	{"\xff", 1, 0},
	{"\xc2", 1, 0},             /* cut short */
	{"\xe2\x82", 2, 0},
	{"\xf0\x9f\x90", 3, 0},
	{"\xc2\x41", 2, 0},         /* a tail that is none */
	{"\xe2\x82\x41", 3, 0},
	{"\xf0\x9f\x90\xc2", 4, 0},
};

static void test_step(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct str s = {steps[i].bytes, steps[i].n};

		if (utf8_step(s) != steps[i].step)
			fail_msg("case %zu: %zu", i, utf8_step(s));
	}
}

static void test_prefix(void **state)
{
	struct str s = STR("a\xc2\xa3\xe2\x82\xac\xffz");

	(void)state;
	assert_int_equal(utf8_prefix(s, 99), 6);
	assert_int_equal(utf8_prefix(s, 6), 6);
	assert_int_equal(utf8_prefix(s, 5), 3);
	assert_int_equal(utf8_prefix(s, 2), 1);
	assert_int_equal(utf8_prefix(s, 0), 0);
	assert_int_equal(utf8_prefix(STR(""), 9), 0);
}

/* Random texts of few kinds of bytes, against one character at a time. */
static void test_prefix_in_long_texts(void **state)
{
	static const char *const parts[] = {"a", "abcdefgh", "\xc2\xa3",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "zz", "abcdefghijklmno",
		"\xff"};

	(void)state;
	srandom(1);
	for (int round = 0; round < 2000; round++) {
		char text[256];
		size_t n = 0, max = (size_t)random() % 80, want = 0, step;
		struct str s;

		for (long k = random() % 12; k > 0; k--) {
			const char *part = parts[random() % 8];

			memcpy(text + n, part, strlen(part));
			n += strlen(part);
		}
		s = (struct str){text, n};
		while ((step = utf8_step(str_cut(s, want, n))) &&
			want + step <= max)
			want += step;
		assert_int_equal(utf8_prefix(s, max), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_step),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_prefix_in_long_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
