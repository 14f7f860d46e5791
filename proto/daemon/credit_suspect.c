/*
 * An item that kills who is given it looks like its neighbours: all were with
 * the peer when it died. So each of them is given out alone, once; the others
 * are answered, and it is known by the next death.
 */
#include "proto/daemon/credit_books.h"

#include "proto/base/fail.h"

#define QUICK_MS 2000 /* who lives so long with an item does not die of it */

static void mark(struct credit *c, struct credit_item *it, bool suspect)
{
	if (it->peer != 0 && suspect != it->suspect)
		c->suspects_out += suspect ? 1 : (size_t)-1;
	it->suspect = suspect;
	if (!suspect)
		it->deaths = 0;
}

static struct credit_peer *find(const struct credit *c, uint64_t id)
{
	for (size_t i = 0; i < c->peers.n; i++)
		if (c->peers.v[i]->id == id)
			return c->peers.v[i];
	return NULL;
}

struct credit_item *credit_peer_died(struct credit *c, uint64_t peer)
{
	struct credit_peer *p = find(c, peer);
	struct credit_item *counted = NULL;

	if (p == NULL || !c->limits.isolate)
		return NULL;
	LIST_EACH(&p->flight, node) {
		struct credit_item *it = credit_item_of(node);
		int64_t sent = it->hard_end - c->limits.lease_max_ms;
		/* credit.suspect is the mutation that the tests must catch. */
		bool quick = p->heard - sent <= QUICK_MS &&
			!FAIL_POINT("credit.suspect");

		if (it->affinity != NULL)
			continue;
		mark(c, it, quick);
		if (!quick || p->n_flight > 1)
			continue;
		it->deaths++;
		counted = it;
	}
	return counted;
}

struct credit_peer *credit_reserved(const struct credit *c)
{
	struct credit_item *it = credit_first(&c->suspects);
	struct credit_peer *best = NULL;

	if (it == NULL || c->suspects_out > 0)
		return NULL;
	for (size_t i = 0; i < c->peers.n; i++) {
		struct credit_peer *p = c->peers.v[i];

		if (credit_serves(p, it->lane) && p->granted > 0 &&
			(best == NULL || p->n_flight < best->n_flight ||
				(p->n_flight == best->n_flight &&
					p->id < best->id)))
			best = p;
	}
	return best;
}

bool credit_is_alone(const struct credit_peer *p)
{
	const struct credit_item *it = credit_first(&p->flight);

	return it != NULL && it->suspect;
}
