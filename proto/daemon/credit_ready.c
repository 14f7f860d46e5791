#include "proto/daemon/credit_books.h"

/* ---- who gets an item ---------------------------------------------------- */

bool credit_serves(const struct credit_peer *p, const char *lane)
{
	if (lane == NULL)
		return true;
	for (size_t i = 0; i < p->n_lanes; i++) {
		if (strcmp(p->lanes[i], lane) == 0)
			return true;
	}
	return false;
}

static int64_t available(const struct credit_peer *p)
{
	int64_t room = CREDIT_MAX_FLIGHT - (int64_t)p->n_flight;
	int64_t left = p->granted - p->used;

	return left < room ? left : room;
}

/* The most credit; among equals the one whose turn is longest ago. */
static struct credit_peer *richest(const struct credit *c, const char *lane)
{
	const struct credit_peer *reserved = credit_reserved(c);
	struct credit_peer *best = NULL;

	for (size_t i = 0; i < c->peers.n; i++) {
		struct credit_peer *p = c->peers.v[i];

		if (available(p) <= 0 || !credit_serves(p, lane) ||
			p == reserved || credit_is_alone(p))
			continue;
		if (best == NULL || available(p) > available(best) ||
			(available(p) == available(best) &&
				p->turn < best->turn))
			best = p;
	}
	return best;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return (h ^ 0xff) * UINT64_C(0x100000001b3);
}

/* FNV-1a and MurmurHash3's last mix, without a seed: all senders must come
 * to the same peer. */
static uint64_t weight(const char *key, const char *name)
{
	uint64_t h = hash_text(UINT64_C(0xcbf29ce484222325), key);

	h = hash_text(h, name);
	h = (h ^ h >> 33) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ h >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ h >> 33;
}

/* Rendezvous hashing: a peer that comes or goes moves only its own keys. */
static struct credit_peer *owner(const struct credit *c,
	const struct credit_item *it)
{
	struct credit_peer *best = NULL;
	uint64_t most = 0;

	for (size_t i = 0; i < c->peers.n; i++) {
		struct credit_peer *p = c->peers.v[i];
		uint64_t w;

		if (!credit_serves(p, it->lane))
			continue;
		w = weight(it->affinity, p->name);
		if (best == NULL || w > most ||
			(w == most && p->id < best->id)) {
			best = p;
			most = w;
		}
	}
	return best;
}

/* ---- the ready lists ----------------------------------------------------- */

static bool same_lane(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static struct list *lane_ready(struct credit *c, const char *name)
{
	struct credit_lane *lane;

	for (size_t i = 0; i < c->lanes.n; i++) {
		if (same_lane(c->lanes.v[i]->name, name))
			return &c->lanes.v[i]->ready;
	}
	lane = xcalloc(1, sizeof(*lane));
	lane->name = xstrdup_null(name);
	list_init(&lane->ready);
	VEC_PUSH(&c->lanes, lane);
	return &lane->ready;
}

static struct list *ready_list(struct credit *c, const struct credit_item *it)
{
	struct credit_peer *p;

	if (it->suspect)
		return &c->suspects;
	if (it->affinity == NULL)
		return lane_ready(c, it->lane);
	p = owner(c, it);
	return p != NULL ? &p->keyed : &c->orphans;
}

/* By seq, walking from the end that is nearer: what comes back is old, what
 * is put is new. */
static void insert_by_seq(struct list *head, struct credit_item *it)
{
	struct list *at = head;
	uint64_t low, high;

	if (list_empty(head)) {
		list_push_back(head, &it->node);
		return;
	}
	low = credit_item_of(head->next)->seq;
	high = credit_item_of(head->prev)->seq;
	if (it->seq > low + (high - low) / 2) {
		while (at->prev != head &&
			credit_item_of(at->prev)->seq > it->seq)
			at = at->prev;
	} else {
		at = head->next;
		while (at != head && credit_item_of(at)->seq < it->seq)
			at = at->next;
	}
	list_insert_before(at, &it->node);
}

static void insert_delayed(struct list *head, struct credit_item *it)
{
	struct list *at = head;

	while (at->prev != head &&
		credit_item_of(at->prev)->not_before > it->not_before)
		at = at->prev;
	list_insert_before(at, &it->node);
}

void credit_make_ready(struct credit *c, struct credit_item *it,
	int64_t not_before, int64_t now)
{
	it->lease = 0;
	it->peer = 0;
	it->not_before = not_before;
	c->ready++;
	if (not_before > now)
		insert_delayed(&c->delayed, it);
	else
		insert_by_seq(ready_list(c, it), it);
}

static void older_of(struct credit_item **oldest, const struct list *head)
{
	struct credit_item *it = credit_first(head);

	if (it != NULL && (*oldest == NULL || it->seq < (*oldest)->seq))
		*oldest = it;
}

/* A merge, so that each list stays in order without searching. */
void credit_reassign(struct credit *c, struct credit_peer *gone)
{
	struct list all;

	list_init(&all);
	for (;;) {
		struct credit_item *oldest = credit_first(&c->orphans);

		for (size_t i = 0; i < c->peers.n; i++)
			older_of(&oldest, &c->peers.v[i]->keyed);
		if (gone != NULL)
			older_of(&oldest, &gone->keyed);
		if (oldest == NULL)
			break;
		list_remove(&oldest->node);
		list_push_back(&all, &oldest->node);
	}
	while (!list_empty(&all)) {
		struct credit_item *it = credit_first(&all);

		list_remove(&it->node);
		list_push_back(ready_list(c, it), &it->node);
	}
}

static void end_delays(struct credit *c, int64_t now)
{
	struct credit_item *it;

	while ((it = credit_first(&c->delayed)) != NULL &&
		it->not_before <= now) {
		list_remove(&it->node);
		insert_by_seq(ready_list(c, it), it);
	}
}

struct credit_item *credit_choose(struct credit *c, int64_t now,
	struct credit_peer **to)
{
	struct credit_item *best = NULL;
	struct credit_peer *empty = credit_reserved(c);

	end_delays(c, now);
	if (empty != NULL && empty->n_flight == 0 && available(empty) > 0) {
		best = credit_first(&c->suspects);
		*to = empty;
		list_remove(&best->node);
		c->ready--;
		return best;
	}
	for (size_t i = 0; i < c->lanes.n; i++) {
		struct credit_item *it = credit_first(&c->lanes.v[i]->ready);
		struct credit_peer *p;

		if (it == NULL || (best != NULL && best->seq < it->seq))
			continue;
		p = richest(c, it->lane);
		if (p != NULL) {
			best = it;
			*to = p;
		}
	}
	for (size_t i = 0; i < c->peers.n; i++) {
		struct credit_peer *p = c->peers.v[i];
		struct credit_item *it = credit_first(&p->keyed);

		if (it == NULL || available(p) <= 0 ||
			(best != NULL && best->seq < it->seq))
			continue;
		best = it;
		*to = p;
	}
	if (best != NULL) {
		list_remove(&best->node);
		c->ready--;
	}
	return best;
}
