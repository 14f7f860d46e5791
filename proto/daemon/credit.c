#include "proto/daemon/credit.h"

#include "proto/base/fail.h"
#include "proto/daemon/credit_books.h"

#define LOST_MS 5000
#define LEASE_MS 30000
#define LEASE_MAX_MS 900000
/* Each session's leases start this far above the last one's, so that a lease
 * names its session, too. */
#define SESSION_LEASES (INT64_C(1) << 32)

static int64_t or_default(int64_t value, int64_t fallback)
{
	return value > 0 ? value : fallback;
}

struct credit *credit_new(const struct credit_limits *limits)
{
	struct credit *c = xcalloc(1, sizeof(*c));

	c->limits = (struct credit_limits){
		.lost_ms = or_default(limits->lost_ms, LOST_MS),
		.lease_ms = or_default(limits->lease_ms, LEASE_MS),
		.lease_max_ms =
			or_default(limits->lease_max_ms, LEASE_MAX_MS),
		.isolate = limits->isolate,
	};
	list_init(&c->orphans);
	list_init(&c->delayed);
	list_init(&c->suspects);
	return c;
}

/* Out of the books. */
static void forget(struct credit_item *it)
{
	list_remove(&it->node);
	it->lease = 0;
	it->peer = 0;
}

static void forget_all(struct list *head)
{
	while (!list_empty(head))
		forget(credit_first(head));
}

static void peer_free(struct credit_peer *p)
{
	forget_all(&p->flight);
	forget_all(&p->keyed);
	for (size_t i = 0; i < p->n_lanes; i++)
		free(p->lanes[i]);
	free(p->lanes);
	free(p->name);
	free(p);
}

void credit_free(struct credit *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->peers.n; i++)
		peer_free(c->peers.v[i]);
	for (size_t i = 0; i < c->lanes.n; i++) {
		forget_all(&c->lanes.v[i]->ready);
		free(c->lanes.v[i]->name);
		free(c->lanes.v[i]);
	}
	forget_all(&c->orphans);
	forget_all(&c->delayed);
	forget_all(&c->suspects);
	VEC_RELEASE(&c->peers);
	VEC_RELEASE(&c->lanes);
	free(c);
}

/* ---- peers --------------------------------------------------------------- */

static struct credit_peer *find_peer(const struct credit *c, uint64_t id)
{
	for (size_t i = 0; i < c->peers.n; i++) {
		if (c->peers.v[i]->id == id)
			return c->peers.v[i];
	}
	return NULL;
}

void credit_peer_up(struct credit *c, uint64_t id, const char *name,
	const char *const *lanes, size_t n, int64_t now)
{
	struct credit_peer *p;

	if (id == 0 || find_peer(c, id) != NULL)
		BUG("peer %llu is up already", (unsigned long long)id);
	p = xcalloc(1, sizeof(*p));
	p->id = id;
	p->name = xstrdup(name);
	p->lanes = xcalloc(n + 1, sizeof(*p->lanes));
	for (; p->n_lanes < n; p->n_lanes++)
		p->lanes[p->n_lanes] = xstrdup(lanes[p->n_lanes]);
	p->heard = now;
	p->last_lease = c->lease_base;
	c->lease_base += SESSION_LEASES;
	list_init(&p->flight);
	list_init(&p->keyed);
	VEC_PUSH(&c->peers, p);
	credit_reassign(c, NULL);
}

/* An item leaves the flight: answered, taken back, or its lease has ended. */
static void land(struct credit *c, struct credit_peer *p,
	struct credit_item *it)
{
	list_remove(&it->node);
	p->n_flight--;
	c->in_flight--;
	c->suspects_out -= it->suspect;
}

void credit_peer_down(struct credit *c, uint64_t id)
{
	struct credit_peer *p = find_peer(c, id);

	if (p == NULL)
		return;
	for (size_t i = 0; i < c->peers.n; i++) {
		if (c->peers.v[i] == p) {
			VEC_REMOVE_SWAP(&c->peers, i);
			break;
		}
	}
	credit_reassign(c, p);
	/* Newest first: each goes in front of those that follow it. */
	while (!list_empty(&p->flight)) {
		struct credit_item *it = credit_item_of(p->flight.prev);

		land(c, p, it);
		credit_make_ready(c, it, 0, 0);
	}
	peer_free(p);
}

void credit_peer_heard(struct credit *c, uint64_t id, int64_t now)
{
	struct credit_peer *p = find_peer(c, id);

	if (p != NULL && now > p->heard)
		p->heard = now;
}

void credit_peer_granted(struct credit *c, uint64_t id, int64_t total)
{
	struct credit_peer *p = find_peer(c, id);

	if (p != NULL && total > p->granted)
		p->granted = total;
}

bool credit_has_peer(const struct credit *c, uint64_t id)
{
	return find_peer(c, id) != NULL;
}

bool credit_has_lane(const struct credit *c, const char *lane)
{
	for (size_t i = 0; i < c->peers.n; i++) {
		if (credit_serves(c->peers.v[i], lane))
			return true;
	}
	return false;
}

size_t credit_peers(const struct credit *c)
{
	return c->peers.n;
}

/* ---- items --------------------------------------------------------------- */

void credit_put(struct credit *c, struct credit_item *it)
{
	if (list_linked(&it->node))
		BUG("an item is put that is in the books already");
	it->seq = ++c->seq;
	credit_make_ready(c, it, 0, 0);
}

void credit_remove(struct credit *c, struct credit_item *it)
{
	if (!list_linked(&it->node))
		return;
	if (it->peer != 0) {
		land(c, find_peer(c, it->peer), it);
		it->lease = 0;
		it->peer = 0;
	} else {
		c->ready--;
		forget(it);
	}
}

struct credit_item *credit_next(struct credit *c, int64_t now)
{
	struct credit_peer *p = NULL;
	struct credit_item *it = credit_choose(c, now, &p);

	if (it == NULL)
		return NULL;
	it->lease = ++p->last_lease;
	it->peer = p->id;
	it->hard_end = now + c->limits.lease_max_ms;
	it->tries++;
	list_push_back(&p->flight, &it->node);
	p->n_flight++;
	p->used++;
	p->turn = ++c->turn;
	c->in_flight++;
	c->suspects_out += it->suspect;
	return it;
}

/* A delay that may come from a peer, as a time. */
static int64_t after(const struct credit *c, int64_t delay_ms, int64_t now)
{
	if (delay_ms <= 0)
		return now;
	if (delay_ms > c->limits.lease_max_ms)
		delay_ms = c->limits.lease_max_ms;
	return now + delay_ms;
}

void credit_cancel(struct credit *c, struct credit_item *it, int64_t delay_ms,
	int64_t now)
{
	struct credit_peer *p = find_peer(c, it->peer);

	if (p == NULL || it->lease != p->last_lease)
		BUG("only the newest lease can be cancelled");
	p->last_lease--;
	p->used--;
	it->tries--;
	land(c, p, it);
	credit_make_ready(c, it, after(c, delay_ms, now), now);
}

/* ---- answers ------------------------------------------------------------- */

/* Takes the item out of its flight; NULL, and counted, when stale.
 * credit.stale is the mutation that the tests must catch. */
static struct credit_item *take(struct credit *c, uint64_t peer, int64_t lease)
{
	struct credit_peer *p = find_peer(c, peer);

	if (p != NULL) {
		LIST_EACH(&p->flight, node) {
			struct credit_item *it = credit_item_of(node);

			if (it->lease > lease && !FAIL_POINT("credit.stale"))
				break;
			if (it->lease < lease)
				continue;
			land(c, p, it);
			return it;
		}
	}
	c->stale++;
	return NULL;
}

struct credit_item *credit_ack(struct credit *c, uint64_t peer, int64_t lease)
{
	struct credit_item *it = take(c, peer, lease);

	if (it != NULL) {
		it->lease = 0;
		it->peer = 0;
	}
	return it;
}

struct credit_item *credit_ack_range(struct credit *c, uint64_t peer,
	int64_t from, int64_t upto)
{
	struct credit_peer *p = find_peer(c, peer);

	if (p == NULL)
		return NULL;
	LIST_EACH(&p->flight, node) {
		const struct credit_item *it = credit_item_of(node);

		if (it->lease > upto)
			break;
		if (it->lease >= from)
			return credit_ack(c, peer, it->lease);
	}
	return NULL;
}

struct credit_item *credit_nack(struct credit *c, uint64_t peer,
	int64_t lease, int64_t delay_ms, int64_t now)
{
	struct credit_item *it = take(c, peer, lease);

	if (it != NULL) {
		it->suspect = false;
		it->deaths = 0;
		credit_make_ready(c, it, after(c, delay_ms, now), now);
	}
	return it;
}

/* ---- time ---------------------------------------------------------------- */

static int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

uint64_t credit_lost_peer(struct credit *c, int64_t now)
{
	for (size_t i = 0; i < c->peers.n; i++) {
		if (c->peers.v[i]->heard + c->limits.lost_ms <= now)
			return c->peers.v[i]->id;
	}
	return 0;
}

/* Leases of a flight end in the order they were given: the first tells. */
static int64_t first_end(const struct credit *c, const struct credit_peer *p)
{
	const struct credit_item *it = credit_first(&p->flight);

	if (it == NULL)
		return INT64_MAX;
	return min_i64(p->heard + c->limits.lease_ms, it->hard_end);
}

size_t credit_expire(struct credit *c, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < c->peers.n; i++) {
		struct credit_peer *p = c->peers.v[i];

		for (; first_end(c, p) <= now; n++) {
			struct credit_item *it = credit_first(&p->flight);

			land(c, p, it);
			credit_make_ready(c, it, now, now);
		}
	}
	return n;
}

int64_t credit_next_time(const struct credit *c)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < c->peers.n; i++) {
		const struct credit_peer *p = c->peers.v[i];

		next = min_i64(next, p->heard + c->limits.lost_ms);
		next = min_i64(next, first_end(c, p));
	}
	if (!list_empty(&c->delayed))
		next = min_i64(next, credit_first(&c->delayed)->not_before);
	return next;
}

size_t credit_ready(const struct credit *c)
{
	return c->ready;
}

size_t credit_in_flight(const struct credit *c)
{
	return c->in_flight;
}

uint64_t credit_stale(const struct credit *c)
{
	return c->stale;
}
