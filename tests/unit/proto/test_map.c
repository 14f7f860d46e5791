#include "proto/base/map.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Python's hash of bytes is SipHash-1-3, with key 0 for PYTHONHASHSEED=0. */
static const struct {
	const char *text;
	uint64_t hash;
} hashes[] = {
	{"a",
		0x407448d2b89b1813ULL},
	{"abcdefg",
		0x6db12aae9070f506ULL},
	{"abcdefgh",
		0x3f7b849c0b8e35eaULL},
	{"abcdefghi",
		0xf89b34a3d11eb6e5ULL},
	{"shop/web:release-v1",
		0x5a0d809c6b6fdb93ULL},
	{"registry.example.com:5000/shop/web",
		0xf2db7822a6912a83ULL},
};

static void test_siphash(void **state)
{
	static const uint64_t seed[2];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
		assert_true(map_siphash(seed, str_from(hashes[i].text)) ==
			hashes[i].hash);
}

static void test_basics(void **state)
{
	struct map *m = map_new();
	char key[] = "web";
	int a, b;

	(void)state;
	assert_null(map_get(m, STR("web")));
	assert_null(map_put(m, str_from(key), &a));
	key[0] = 'x'; /* keys are copied */
	assert_ptr_equal(map_get(m, STR("web")), &a);
	assert_null(map_get(m, STR("xeb")));
	assert_ptr_equal(map_put(m, STR("web"), &b), &a);
	assert_int_equal(map_len(m), 1);
	assert_null(map_put(m, STR(""), &a));
	assert_ptr_equal(map_get(m, STR("")), &a);
	assert_ptr_equal(map_get(m, (struct str){0}), &a);
	assert_ptr_equal(map_del(m, STR("web")), &b);
	assert_null(map_del(m, STR("web")));
	assert_int_equal(map_len(m), 1);
	map_free(m);
	map_free(NULL);
}

#define KEYS 2000

/* Random puts and dels against a plain array. */
static void test_model(void **state)
{
	static char model[KEYS];
	struct map *m = map_new();
	unsigned long long x = 88172645463325252ULL;
	size_t len = 0, seen = 0, it = 0;
	struct str key;
	void *value;

	(void)state;
	for (int step = 0; step < 200000; step++) {
		char text[16];
		size_t k;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		k = x % KEYS;
		snprintf(text, sizeof(text), "key-%zu", k);
		/* Phases that grow and phases that shrink. */
		if ((x >> 32) % 4 < (step / 20000 % 2 ? 1 : 3)) {
			value = map_put(m, str_from(text), &model[k]);
			len += value == NULL;
			assert_int_equal(value != NULL, model[k]);
			model[k] = 1;
		} else {
			value = map_del(m, str_from(text));
			len -= value != NULL;
			assert_int_equal(value != NULL, model[k]);
			model[k] = 0;
		}
		assert_int_equal(map_len(m), len);
	}
	for (size_t k = 0; k < KEYS; k++) {
		char text[16];

		snprintf(text, sizeof(text), "key-%zu", k);
		value = map_get(m, str_from(text));
		assert_ptr_equal(value, model[k] ? &model[k] : NULL);
	}
	while (map_next(m, &it, &key, &value)) {
		assert_int_equal(*(char *)value, 1);
		assert_true(str_starts(key, STR("key-")));
		seen++;
	}
	assert_int_equal(seen, len);
	map_free(m);
}

static void test_seeds_differ(void **state)
{
	struct map *a = map_new(), *b = map_new();

	(void)state;
	assert_true(map_hash(a, STR("web")) != map_hash(b, STR("web")));
	map_free(a);
	map_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash),
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_seeds_differ),
	};

	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
