/* Who gets which item: lanes, fair shares, peers that own a key. */
#include "tests/unit/proto/credit_rig.h"

static void test_lanes(void **state)
{
	static const char *const both[] = {"http", "web"};
	struct credit *c = credit_new(&defaults);
	struct credit_item a = {.lane = "http"}, b = {.lane = "web"}, d = {0};

	(void)state;
	assert_false(credit_has_lane(c, NULL));
	credit_peer_up(c, 1, "a", web, 1, 0);
	credit_peer_granted(c, 1, 9);
	assert_true(credit_has_lane(c, "web"));
	assert_true(credit_has_lane(c, NULL));
	assert_false(credit_has_lane(c, "http"));
	credit_put(c, &a);
	credit_put(c, &b);
	credit_put(c, &d);
	assert_ptr_equal(credit_next(c, 0), &b); /* http holds nobody */
	assert_ptr_equal(credit_next(c, 0), &d);
	assert_null(credit_next(c, 0));
	credit_peer_up(c, 2, "b", both, 2, 0);
	credit_peer_granted(c, 2, 9);
	assert_ptr_equal(credit_next(c, 0), &a);
	assert_int_equal(a.peer, 2);
	credit_free(c);
}

static void test_fair(void **state)
{
	static struct credit_item items[300];
	struct credit *c = credit_new(&defaults);
	int got[4] = {0};

	(void)state;
	memset(items, 0, sizeof(items));
	for (uint64_t p = 1; p <= 3; p++) {
		credit_peer_up(c, p, "same", NULL, 0, 0);
		credit_peer_granted(c, p, 1000);
	}
	for (size_t i = 0; i < 300; i++) {
		credit_put(c, &items[i]);
		assert_ptr_equal(credit_next(c, 0), &items[i]);
		got[items[i].peer]++;
	}
	assert_int_equal(got[1], 100);
	assert_int_equal(got[2], 100);
	assert_int_equal(got[3], 100);
	credit_free(c);
}

/* One at a time, answered and granted anew before the next: still shared. */
static void test_fair_idle(void **state)
{
	struct credit *c = credit_new(&defaults);
	struct credit_item it = {0};
	int64_t answered[4] = {0};

	(void)state;
	for (uint64_t p = 1; p <= 3; p++) {
		credit_peer_up(c, p, "same", NULL, 0, 0);
		credit_peer_granted(c, p, 16);
	}
	for (size_t i = 0; i < 30; i++) {
		uint64_t peer;

		credit_put(c, &it);
		assert_non_null(credit_next(c, 0));
		peer = it.peer;
		assert_non_null(credit_ack(c, peer, it.lease));
		credit_peer_granted(c, peer, 16 + ++answered[peer]);
	}
	for (size_t p = 1; p <= 3; p++)
		assert_int_equal(answered[p], 10);
	credit_free(c);
}

#define KEYS 600
static char key_names[KEYS][8];

/* Who gets each key, by the first letter of the name. */
static void owners(const char *const *names, const uint64_t *ids, size_t n,
	char out[KEYS])
{
	struct credit *c = credit_new(&defaults);
	struct credit_item it[KEYS];

	memset(it, 0, sizeof(it));
	for (size_t i = 0; i < n; i++) {
		credit_peer_up(c, ids[i], names[i], NULL, 0, 0);
		credit_peer_granted(c, ids[i], CREDIT_MAX_FLIGHT);
	}
	for (size_t k = 0; k < KEYS; k++) {
		snprintf(key_names[k], sizeof(key_names[k]), "key%zu", k);
		it[k].affinity = key_names[k];
		credit_put(c, &it[k]);
	}
	while (credit_next(c, 0) != NULL)
		;
	for (size_t k = 0; k < KEYS; k++) {
		for (size_t i = 0; i < n; i++) {
			if (ids[i] == it[k].peer)
				out[k] = names[i][0];
		}
	}
	credit_free(c);
}

static void test_affinity(void **state)
{
	static const char *const abc[] = {"a", "b", "c"};
	static const char *const cab[] = {"c", "a", "b"};
	static const char *const bc[] = {"b", "c"};
	static const uint64_t ids[] = {1, 2, 3}, other[] = {40, 7, 19};
	char first[KEYS] = {0}, second[KEYS] = {0}, less[KEYS] = {0};
	int share['c' + 1] = {0};

	(void)state;
	owners(abc, ids, 3, first);
	owners(cab, other, 3, second); /* another sender's numbers */
	owners(bc, ids, 2, less);
	assert_memory_equal(first, second, KEYS);
	for (size_t k = 0; k < KEYS; k++) {
		share[(unsigned char)first[k]]++;
		if (first[k] != 'a')
			assert_int_equal(first[k], less[k]);
	}
	for (int p = 'a'; p <= 'c'; p++)
		assert_in_range(share[p], KEYS / 4, KEYS / 2);
}

/* A keyed item waits for its peer, unless that is lost; others pass it. */
static void test_affinity_waits(void **state)
{
	struct credit *c = credit_new(&defaults);
	struct credit_item a = {.affinity = "k"}, b = {.affinity = "k"},
			   d = {0};
	uint64_t mine, other;

	(void)state;
	credit_put(c, &a); /* nobody there yet */
	assert_null(credit_next(c, 0));
	for (uint64_t p = 1; p <= 2; p++) {
		credit_peer_up(c, p, p == 1 ? "x" : "y", NULL, 0, 0);
		credit_peer_granted(c, p, 1);
	}
	assert_ptr_equal(credit_next(c, 0), &a);
	mine = a.peer;
	other = 3 - mine;
	credit_put(c, &b);
	credit_put(c, &d);
	assert_ptr_equal(credit_next(c, 0), &d);
	assert_int_equal(d.peer, other);
	credit_peer_granted(c, other, 9);
	assert_null(credit_next(c, 0));
	credit_peer_down(c, mine);
	assert_ptr_equal(credit_next(c, 0), &a);
	assert_ptr_equal(credit_next(c, 0), &b);
	assert_int_equal(a.peer, other);
	assert_int_equal(b.peer, other);
	credit_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_fair),
		cmocka_unit_test(test_fair_idle),
		cmocka_unit_test(test_affinity),
		cmocka_unit_test(test_affinity_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
