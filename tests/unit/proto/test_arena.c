#include "proto/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void test_alloc(void **state)
{
	struct arena a;
	unsigned char *p;

	(void)state;
	arena_init(&a, 100000);
	for (size_t size = 0; size < 300; size++) {
		p = arena_alloc(&a, size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	p = arena_alloc(&a, 20000);
	assert_non_null(p);
	memset(p, 0xff, 20000);
	assert_string_equal(arena_strdup(&a, STR("abc")), "abc");
	assert_string_equal(arena_strdup(&a, (struct str){0}), "");
	assert_string_equal(arena_printf(&a, "%s-%d", "x", 7), "x-7");
	assert_false(arena_failed(&a));
	arena_free(&a);
	assert_int_equal(a.used, 0);
}

static void test_cap(void **state)
{
	static const size_t huge[] = {SIZE_MAX, SIZE_MAX - 15, 1025, 1 << 30};
	struct arena a;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(huge); i++) {
		arena_init(&a, 1024);
		assert_null(arena_alloc(&a, huge[i]));
		assert_true(arena_failed(&a));
		arena_free(&a);
	}
	arena_init(&a, 1024);
	assert_non_null(arena_alloc(&a, 1000));
	assert_null(arena_printf(&a, "%s", "sixteen and more"));
	/* Sticky: what would fit is refused as well. */
	assert_null(arena_strdup(&a, STR("")));
	assert_true(arena_failed(&a));
	arena_free(&a);
	assert_false(arena_failed(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),
		cmocka_unit_test(test_cap),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
