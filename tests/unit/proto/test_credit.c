/* One item's life: leased, acknowledged, stale, late, killing. */
#include "tests/unit/proto/credit_rig.h"

static void test_life(void **state)
{
	struct credit *c = one_peer(2);
	struct credit_item a = {0}, b = {0}, d = {0};
	struct credit_item *it;

	(void)state;
	credit_put(c, &a);
	credit_put(c, &b);
	credit_put(c, &d);
	assert_int_equal(credit_ready(c), 3);
	it = credit_next(c, 5);
	assert_ptr_equal(it, &a);
	assert_int_equal(a.peer, 1);
	assert_int_equal(a.tries, 1);
	assert_true(a.lease > 0);
	assert_ptr_equal(credit_next(c, 5), &b);
	assert_int_equal(b.lease, a.lease + 1);
	assert_null(credit_next(c, 5)); /* no credit left */
	assert_int_equal(credit_ready(c), 1);
	assert_int_equal(credit_in_flight(c), 2);

	assert_ptr_equal(credit_ack(c, 1, b.lease), &b);
	assert_int_equal(b.lease, 0);
	assert_int_equal(b.peer, 0);
	assert_null(credit_next(c, 5)); /* an ACK is not credit */
	credit_peer_granted(c, 1, 3);
	assert_ptr_equal(credit_next(c, 5), &d);
	credit_peer_granted(c, 1, 1); /* never shrinks */
	assert_int_equal(credit_in_flight(c), 2);
	credit_free(c);
	assert_false(list_linked(&a.node));
	assert_int_equal(a.lease, 0);
}

static void test_stale(void **state)
{
	struct credit *c = one_peer(9);
	struct credit_item a = {0};
	int64_t old;

	(void)state;
	credit_put(c, &a);
	assert_non_null(credit_next(c, 0));
	old = a.lease;
	assert_null(credit_ack(c, 1, old + 1));
	assert_null(credit_ack(c, 2, old));
	assert_int_equal(credit_stale(c), 2);

	credit_peer_down(c, 1);
	assert_int_equal(credit_ready(c), 1);
	credit_peer_up(c, 2, "a", NULL, 0, 0);
	assert_null(credit_next(c, 0)); /* a new session has no credit */
	credit_peer_granted(c, 2, 1);
	assert_ptr_equal(credit_next(c, 0), &a);
	assert_int_equal(a.tries, 2);
	/* the old session's number, and its lease under the new one's */
	assert_null(credit_ack(c, 1, old));
	assert_null(credit_ack(c, 2, old));
	assert_null(credit_nack(c, 2, old, 0, 0));
	assert_null(credit_ack_range(c, 2, 0, old));
	assert_int_equal(credit_stale(c), 5);
	assert_ptr_equal(credit_ack(c, 2, a.lease), &a);
	credit_free(c);
}

static void test_range(void **state)
{
	struct credit *c = one_peer(9);
	struct credit_item items[5] = {0};
	int64_t from, upto;

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		credit_put(c, &items[i]);
		assert_non_null(credit_next(c, 0));
	}
	from = items[1].lease;
	upto = items[3].lease;
	credit_ack(c, 1, from);
	assert_ptr_equal(credit_ack_range(c, 1, from, upto), &items[2]);
	assert_ptr_equal(credit_ack_range(c, 1, from, upto), &items[3]);
	assert_null(credit_ack_range(c, 1, from, upto));
	assert_null(credit_ack_range(c, 1, 0, 0));
	assert_null(credit_ack_range(c, 7, 0, INT64_MAX));
	assert_int_equal(credit_in_flight(c), 2);
	assert_ptr_equal(credit_ack_range(c, 1, 0, INT64_MAX), &items[0]);
	assert_int_equal(credit_stale(c), 0);
	credit_free(c);
}

static void test_nack(void **state)
{
	struct credit *c = one_peer(9);
	struct credit_item a = {0}, b = {0};
	int64_t lease;

	(void)state;
	credit_put(c, &a);
	credit_put(c, &b);
	assert_ptr_equal(credit_next(c, 100), &a);
	lease = a.lease;
	assert_ptr_equal(credit_nack(c, 1, lease, 50, 100), &a);
	assert_null(credit_nack(c, 1, lease, 50, 100));
	assert_int_equal(credit_ready(c), 2);
	assert_int_equal(credit_next_time(c), 150);
	assert_ptr_equal(credit_next(c, 149), &b); /* not held by a */
	assert_null(credit_next(c, 149));
	assert_ptr_equal(credit_next(c, 150), &a);
	/* a delay is bounded, whoever asks for it */
	assert_non_null(credit_nack(c, 1, a.lease, INT64_MAX, 150));
	assert_int_equal(a.not_before, 150 + 900000);
	credit_remove(c, &a);
	credit_remove(c, &a);
	assert_int_equal(credit_ready(c), 0);
	/* without one it is ready at once */
	assert_non_null(credit_nack(c, 1, b.lease, -5, 150));
	assert_ptr_equal(credit_next(c, 150), &b);
	credit_free(c);
}

static void test_cancel(void **state)
{
	struct credit *c = one_peer(1);
	struct credit_item a = {0}, b = {0};
	int64_t lease;

	(void)state;
	credit_put(c, &a);
	credit_put(c, &b);
	assert_ptr_equal(credit_next(c, 0), &a);
	lease = a.lease;
	credit_cancel(c, &a, 1000, 0);
	assert_int_equal(a.tries, 0);
	assert_ptr_equal(credit_next(c, 0), &b); /* the credit is back */
	assert_int_equal(b.lease, lease);        /* and leaves no gap */
	assert_int_equal(credit_ready(c), 1);
	credit_free(c);
}

/* Lost: oldest first, before what never went. */
static void test_down_order(void **state)
{
	struct credit *c = one_peer(3);
	struct credit_item items[5] = {0};

	(void)state;
	for (size_t i = 0; i < 5; i++)
		credit_put(c, &items[i]);
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(credit_next(c, 0), &items[i]);
	credit_peer_up(c, 2, "b", NULL, 0, 0);
	credit_peer_down(c, 1);
	credit_peer_down(c, 1);
	assert_int_equal(credit_ready(c), 5);
	assert_int_equal(credit_in_flight(c), 0);
	credit_peer_granted(c, 2, 9);
	for (size_t i = 0; i < 5; i++)
		assert_ptr_equal(credit_next(c, 0), &items[i]);
	credit_free(c);
}

static void test_time(void **state)
{
	const struct credit_limits limits = {
		.lost_ms = 50, .lease_ms = 30, .lease_max_ms = 100};
	struct credit *c = credit_new(&limits);
	struct credit_item a = {0}, b = {0};

	(void)state;
	assert_true(credit_next_time(c) == INT64_MAX);
	credit_peer_up(c, 1, "a", NULL, 0, 1000);
	credit_peer_granted(c, 1, 9);
	assert_int_equal(credit_next_time(c), 1050);
	credit_put(c, &a);
	credit_put(c, &b);
	assert_non_null(credit_next(c, 1010));
	assert_int_equal(credit_next_time(c), 1030);
	assert_int_equal(credit_expire(c, 1029), 0);
	credit_peer_heard(c, 1, 1029); /* extends every lease */
	credit_peer_heard(c, 1, 1005); /* not back */
	assert_int_equal(credit_expire(c, 1058), 0);
	assert_int_equal(credit_expire(c, 1059), 1);
	assert_int_equal(credit_in_flight(c), 0);
	assert_int_equal(credit_lost_peer(c, 1078), 0);
	assert_int_equal(credit_lost_peer(c, 1079), 1);

	/* heartbeats do not extend a lease for ever */
	assert_ptr_equal(credit_next(c, 1079), &a);
	for (int64_t now = 1079; now < 1179; now++) {
		credit_peer_heard(c, 1, now);
		assert_int_equal(credit_expire(c, now), 0);
	}
	credit_peer_heard(c, 1, 1179);
	assert_int_equal(credit_expire(c, 1179), 1);
	credit_peer_heard(c, 9, 1179); /* unknown: nothing */
	credit_free(c);
}

/* What a peer may hold is bounded, whatever it grants. */
static void test_flight_cap(void **state)
{
	static struct credit_item items[CREDIT_MAX_FLIGHT + 10];
	struct credit *c = one_peer(INT64_MAX);
	size_t n = 0;

	(void)state;
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < ARRAY_LEN(items); i++)
		credit_put(c, &items[i]);
	while (credit_next(c, 0) != NULL)
		n++;
	assert_int_equal(n, CREDIT_MAX_FLIGHT);
	assert_non_null(credit_ack(c, 1, items[700].lease));
	assert_non_null(credit_next(c, 0));
	assert_null(credit_next(c, 0));
	credit_free(c);
}

/* ---- items that kill ------------------------------------------------------ */

static struct credit *isolating(void)
{
	const struct credit_limits limits = {.isolate = true};

	return credit_new(&limits);
}

static uint64_t last_peer;

static uint64_t fresh_peer(struct credit *c, int64_t now)
{
	credit_peer_up(c, ++last_peer, "m", NULL, 0, now);
	credit_peer_granted(c, last_peer, 10);
	return last_peer;
}

static struct credit_item *die(struct credit *c, uint64_t peer)
{
	struct credit_item *it = credit_peer_died(c, peer);

	credit_peer_down(c, peer);
	return it;
}

/* Four with a peer that dies: each goes alone, and only the one that kills
 * again is counted. */
static void test_killer(void **state)
{
	struct credit *c = isolating();
	struct credit_item items[4] = {0}, *killer = &items[2], *it;
	uint64_t peer = fresh_peer(c, 0);
	int64_t now = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		credit_put(c, &items[i]);
	while (credit_next(c, now))
		;
	assert_null(die(c, peer));
	for (unsigned deaths = 1; deaths <= 3;) {
		peer = fresh_peer(c, now += 100);
		while ((it = credit_next(c, now)) != killer) {
			assert_non_null(it);
			assert_null(credit_next(c, now)); /* nothing beside it */
			assert_ptr_equal(credit_ack(c, peer, it->lease), it);
		}
		assert_null(credit_next(c, now));
		assert_ptr_equal(die(c, peer), killer);
		assert_int_equal(killer->deaths, deaths++);
	}
	/* A peer that lives with it clears it. */
	peer = fresh_peer(c, now);
	assert_ptr_equal(credit_next(c, now), killer);
	assert_ptr_equal(credit_nack(c, peer, killer->lease, 0, now), killer);
	assert_int_equal(killer->deaths, 0);
	assert_ptr_equal(credit_next(c, now), &items[3]); /* suspect still */
	assert_null(credit_next(c, now));
	credit_ack(c, peer, items[3].lease);
	assert_ptr_equal(credit_next(c, now), killer);
	credit_free(c);
}

/* One suspect at a time; the other peers go on with the rest. */
static void test_suspects_hold_nobody(void **state)
{
	struct credit *c = isolating();
	struct credit_item old[2] = {0}, more[4] = {0};
	uint64_t a, b, died = fresh_peer(c, 0);

	(void)state;
	for (size_t i = 0; i < 2; i++)
		credit_put(c, &old[i]);
	while (credit_next(c, 0))
		;
	die(c, died);
	for (size_t i = 0; i < 4; i++)
		credit_put(c, &more[i]);
	a = fresh_peer(c, 0);
	b = fresh_peer(c, 0);
	assert_ptr_equal(credit_next(c, 0), &old[0]);
	assert_int_equal(old[0].peer, a);
	for (size_t i = 0; i < 4; i++) {
		assert_ptr_equal(credit_next(c, 0), &more[i]);
		assert_int_equal(more[i].peer, b);
	}
	assert_null(credit_next(c, 0));
	credit_ack(c, a, old[0].lease);
	assert_ptr_equal(credit_next(c, 0), &old[1]);
	assert_int_equal(old[1].peer, a);
	credit_free(c);
}

/* Killed long after it was given the item, or in the middle of much: nobody
 * is to blame. */
static void test_killed_by_others(void **state)
{
	struct credit *c = isolating();
	struct credit_item it = {0};

	(void)state;
	credit_put(c, &it);
	for (int64_t now = 0; now < 200000; now += 20000) {
		uint64_t peer = fresh_peer(c, now);

		assert_ptr_equal(credit_next(c, now), &it);
		credit_peer_heard(c, peer, now + 5000);
		assert_null(die(c, peer));
		assert_int_equal(it.deaths, 0);
	}
	credit_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_nack),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_down_order),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_flight_cap),
		cmocka_unit_test(test_killer),
		cmocka_unit_test(test_suspects_hold_nobody),
		cmocka_unit_test(test_killed_by_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
