/*
 * credit.c against a naive model: random operations, and after each the books
 * must say what the model says. Items and peers are few, so that every
 * coincidence happens often.
 */
#include "proto/daemon/credit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ITEMS 40
#define SLOTS 5
#define KEYS 4
#define LANES 3 /* any, "x", "y" */
#define ROUNDS 60
#define STEPS 4000

enum place { OUT, READY, FLIGHT };

static const struct credit_limits limits = {
	.lost_ms = 400, .lease_ms = 300, .lease_max_ms = 900};

static const char *const lane_names[LANES] = {NULL, "x", "y"};
static const char *const keys[KEYS] = {NULL, "k1", "k2", "k3"};
/* What each slot's peer is called and serves; every session is new. */
static const struct {
	const char *name;
	const char *lanes[2];
	size_t n;
} slots[SLOTS] = {
	{"p0", {"x"}, 1},
	{"p1", {"x", "y"}, 2},
	{"p2", {NULL}, 0},
	{"p3", {"y"}, 1},
	{"p4", {"x", "y"}, 2},
};

struct model_item {
	struct credit_item it;
	int lane, key;
	enum place place;
	uint64_t seq;
	int64_t not_before;
	int slot; /* in flight */
	int64_t lease, hard_end;
};

struct model_peer {
	uint64_t id; /* 0: down */
	int64_t granted, used, heard, last_lease;
};

static struct model_item items[ITEMS];
static struct model_peer peers[SLOTS];
static struct credit *books;
static int64_t now;
static uint64_t next_id, next_seq, stale;
static unsigned seed;
/* An ended lease of some time ago, to be answered too late. */
static struct {
	uint64_t peer;
	int64_t lease;
} ended[16];
static size_t n_ended;

static int pick(int n)
{
	return (int)((unsigned)rand_r(&seed) % (unsigned)n);
}

static bool serves(int slot, int lane)
{
	if (lane == 0)
		return true;
	for (size_t i = 0; i < slots[slot].n; i++) {
		if (strcmp(slots[slot].lanes[i], lane_names[lane]) == 0)
			return true;
	}
	return false;
}

static bool has_credit(int slot)
{
	return peers[slot].id != 0 && peers[slot].granted > peers[slot].used;
}

/* The owner of a key among the peers that are up, asked from fresh books
 * without anything else in them. */
static int owner(int key, int lane)
{
	static signed char memo[1 << SLOTS][KEYS][LANES]; /* slot + 1 */
	struct credit_item it = {.affinity = keys[key],
		.lane = lane_names[lane]};
	struct credit *c;
	unsigned mask = 0;

	for (int s = 0; s < SLOTS; s++)
		mask |= (peers[s].id != 0 ? 1u : 0u) << s;
	if (memo[mask][key][lane] == 0) {
		c = credit_new(&limits);
		for (int s = SLOTS - 1; s >= 0; s--) {
			if (peers[s].id == 0)
				continue;
			credit_peer_up(c, (uint64_t)s + 1, slots[s].name,
				slots[s].lanes, slots[s].n, 0);
			credit_peer_granted(c, (uint64_t)s + 1, 1);
		}
		credit_put(c, &it);
		memo[mask][key][lane] =
			credit_next(c, 0) != NULL ? (signed char)it.peer : -1;
		credit_free(c);
	}
	return memo[mask][key][lane] < 0 ? -1 : memo[mask][key][lane] - 1;
}

/* The most that any peer of the lane has left. */
static int64_t best_credit(int lane)
{
	int64_t best = 0;

	for (int s = 0; s < SLOTS; s++) {
		int64_t have = peers[s].granted - peers[s].used;

		if (has_credit(s) && serves(s, lane) && have > best)
			best = have;
	}
	return best;
}

static bool may_go(const struct model_item *m)
{
	int s;

	if (m->place != READY || m->not_before > now)
		return false;
	if (m->key == 0)
		return best_credit(m->lane) > 0;
	s = owner(m->key, m->lane);
	return s >= 0 && has_credit(s);
}

static void lease_ends(struct model_item *m)
{
	ended[n_ended % ARRAY_LEN(ended)].peer = peers[m->slot].id;
	ended[n_ended % ARRAY_LEN(ended)].lease = m->lease;
	n_ended++;
}

static struct model_item *in_flight(int slot, int64_t lease)
{
	for (int i = 0; i < ITEMS; i++) {
		if (items[i].place == FLIGHT && items[i].slot == slot &&
			items[i].lease == lease)
			return &items[i];
	}
	return NULL;
}

/* ---- operations ---------------------------------------------------------- */

static void op_put(void)
{
	struct model_item *m = &items[pick(ITEMS)];

	if (m->place != OUT)
		return;
	m->lane = pick(LANES);
	m->key = pick(KEYS);
	m->it = (struct credit_item){.lane = lane_names[m->lane],
		.affinity = keys[m->key]};
	m->place = READY;
	m->seq = ++next_seq;
	m->not_before = 0;
	credit_put(books, &m->it);
}

static void op_remove(void)
{
	struct model_item *m = &items[pick(ITEMS)];

	if (m->place == FLIGHT)
		lease_ends(m);
	m->place = OUT;
	credit_remove(books, &m->it);
}

static void op_next(void)
{
	struct model_item *want = NULL;
	struct credit_item *it;
	struct model_item *got;
	int slot = -1;

	for (int i = 0; i < ITEMS; i++) {
		if (may_go(&items[i]) &&
			(want == NULL || items[i].seq < want->seq))
			want = &items[i];
	}
	it = credit_next(books, now);
	if (want == NULL) {
		assert_null(it);
		return;
	}
	assert_ptr_equal(it, &want->it);
	got = want;
	for (int s = 0; s < SLOTS; s++) {
		if (peers[s].id == it->peer)
			slot = s;
	}
	assert_true(slot >= 0 && serves(slot, got->lane));
	if (got->key != 0)
		assert_int_equal(slot, owner(got->key, got->lane));
	else
		assert_true(peers[slot].granted - peers[slot].used ==
			best_credit(got->lane));
	if (peers[slot].last_lease != 0)
		assert_true(it->lease == peers[slot].last_lease + 1);
	if (pick(20) == 0) {
		int64_t delay = pick(2) * pick(100);

		credit_cancel(books, it, delay, now);
		got->not_before = now + delay;
		return;
	}
	peers[slot].last_lease = it->lease;
	peers[slot].used++;
	got->place = FLIGHT;
	got->slot = slot;
	got->lease = it->lease;
	got->hard_end = now + limits.lease_max_ms;
}

static void op_answer(void)
{
	struct model_item *m = &items[pick(ITEMS)];
	uint64_t peer;

	if (m->place != FLIGHT)
		return;
	peer = peers[m->slot].id;
	lease_ends(m);
	if (pick(3) != 0) {
		assert_ptr_equal(credit_ack(books, peer, m->lease), &m->it);
		m->place = OUT;
		return;
	}
	m->not_before = now + pick(3) * 50;
	assert_ptr_equal(credit_nack(books, peer, m->lease,
				 m->not_before - now, now),
		&m->it);
	m->place = READY;
}

static void op_ack_range(void)
{
	struct model_item *m = &items[pick(ITEMS)];
	int64_t upto = m->lease, from = upto - pick(6);
	int slot = m->slot;
	struct credit_item *it;
	int64_t last = 0;

	if (m->place != FLIGHT)
		return;
	while ((it = credit_ack_range(books, peers[slot].id, from, upto)) !=
		NULL) {
		struct model_item *got =
			CONTAINER_OF(it, struct model_item, it);

		assert_int_equal(got->place, FLIGHT);
		assert_int_equal(got->slot, slot);
		assert_true(got->lease > last);
		assert_true(got->lease >= from && got->lease <= upto);
		last = got->lease;
		lease_ends(got);
		got->place = OUT;
	}
	for (int i = 0; i < ITEMS; i++)
		assert_false(items[i].place == FLIGHT &&
			items[i].slot == slot && items[i].lease >= from &&
			items[i].lease <= upto);
}

static void op_stale(void)
{
	size_t i = (size_t)pick((int)ARRAY_LEN(ended));

	if (ended[i].lease == 0)
		return;
	for (int s = 0; s < SLOTS; s++) {
		if (peers[s].id == ended[i].peer)
			assert_null(in_flight(s, ended[i].lease));
	}
	stale++;
	if (pick(2) == 0)
		assert_null(credit_ack(books, ended[i].peer, ended[i].lease));
	else
		assert_null(credit_nack(books, ended[i].peer, ended[i].lease,
			pick(9), now));
}

static void op_up(void)
{
	int s = pick(SLOTS);

	if (peers[s].id != 0)
		return;
	peers[s] = (struct model_peer){.id = ++next_id, .heard = now};
	credit_peer_up(books, next_id, slots[s].name, slots[s].lanes,
		slots[s].n, now);
}

static void down(int s)
{
	for (int i = 0; i < ITEMS; i++) {
		if (items[i].place == FLIGHT && items[i].slot == s) {
			lease_ends(&items[i]);
			items[i].place = READY;
			items[i].not_before = 0;
		}
	}
	credit_peer_down(books, peers[s].id);
	peers[s].id = 0;
}

static void op_down(void)
{
	int s = pick(SLOTS);

	if (peers[s].id != 0 && pick(4) == 0)
		down(s);
}

static void op_grant(void)
{
	int s = pick(SLOTS);
	int64_t total = pick(3) == 0 ? pick(50) : peers[s].used + pick(6);

	if (peers[s].id == 0)
		return;
	credit_peer_granted(books, peers[s].id, total);
	if (total > peers[s].granted)
		peers[s].granted = total;
}

static void op_heard(void)
{
	int s = pick(SLOTS);

	if (peers[s].id == 0)
		return;
	peers[s].heard = now;
	credit_peer_heard(books, peers[s].id, now);
}

static int64_t lease_end(const struct model_item *m)
{
	int64_t end = peers[m->slot].heard + limits.lease_ms;

	return end < m->hard_end ? end : m->hard_end;
}

static void op_time(void)
{
	size_t n = 0;
	uint64_t lost;

	now += pick(40);
	for (int i = 0; i < ITEMS; i++) {
		if (items[i].place != FLIGHT || lease_end(&items[i]) > now)
			continue;
		lease_ends(&items[i]);
		items[i].place = READY;
		items[i].not_before = now;
		n++;
	}
	assert_int_equal(credit_expire(books, now), n);
	while ((lost = credit_lost_peer(books, now)) != 0) {
		for (int s = 0; s < SLOTS; s++) {
			if (peers[s].id != lost)
				continue;
			assert_true(now - peers[s].heard >= limits.lost_ms);
			down(s);
		}
		assert_false(credit_has_peer(books, lost));
	}
}

/* ---- what must hold after each ------------------------------------------- */

static int64_t soonest(void)
{
	int64_t t = INT64_MAX;

	for (int s = 0; s < SLOTS; s++) {
		if (peers[s].id != 0 && peers[s].heard + limits.lost_ms < t)
			t = peers[s].heard + limits.lost_ms;
	}
	for (int i = 0; i < ITEMS; i++) {
		if (items[i].place == FLIGHT && lease_end(&items[i]) < t)
			t = lease_end(&items[i]);
		if (items[i].place == READY && items[i].not_before > now &&
			items[i].not_before < t)
			t = items[i].not_before;
	}
	return t;
}

static void check(void)
{
	size_t ready = 0, flight = 0, up = 0;
	int64_t held[SLOTS] = {0};
	int64_t t = credit_next_time(books);

	for (int i = 0; i < ITEMS; i++) {
		const struct model_item *m = &items[i];

		ready += m->place == READY;
		flight += m->place == FLIGHT;
		if (m->place == FLIGHT) {
			held[m->slot]++;
			assert_true(m->it.lease == m->lease);
			assert_true(m->it.peer == peers[m->slot].id);
		} else {
			assert_true(m->it.lease == 0 && m->it.peer == 0);
		}
		assert_int_equal(list_linked(&m->it.node), m->place != OUT);
	}
	for (int s = 0; s < SLOTS; s++) {
		if (peers[s].id == 0)
			continue;
		up++;
		assert_true(credit_has_peer(books, peers[s].id));
		assert_true(peers[s].used <= peers[s].granted);
		assert_true(held[s] <= peers[s].granted);
	}
	assert_int_equal(credit_ready(books), ready);
	assert_int_equal(credit_in_flight(books), flight);
	assert_int_equal(credit_peers(books), up);
	assert_int_equal(credit_stale(books), stale);
	/* A delay that is over may still be in the list: no later than now. */
	assert_true(t == soonest() || t <= now);
}

static void test_model(void **state)
{
	static void (*const ops[])(void) = {op_put, op_put, op_put, op_remove,
		op_next, op_next, op_next, op_next, op_answer, op_answer,
		op_ack_range, op_stale, op_up, op_down, op_grant, op_grant,
		op_heard, op_heard, op_time};

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		seed = round;
		memset(items, 0, sizeof(items));
		memset(peers, 0, sizeof(peers));
		memset(ended, 0, sizeof(ended));
		n_ended = 0;
		next_id = next_seq = stale = 0;
		now = 1000;
		books = credit_new(&limits);
		for (int step = 0; step < STEPS; step++) {
			ops[pick((int)ARRAY_LEN(ops))]();
			check();
		}
		credit_free(books);
		for (int i = 0; i < ITEMS; i++)
			assert_false(list_linked(&items[i].it.node));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
