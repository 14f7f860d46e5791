/*
 * The inside of credit.h, for credit.c (peers, leases, time) and
 * credit_ready.c (what is ready, and who gets it). For nobody else.
 */
#ifndef PROTO_DAEMON_CREDIT_BOOKS_H
#define PROTO_DAEMON_CREDIT_BOOKS_H

#include "proto/base/vec.h"
#include "proto/daemon/credit.h"

struct credit_peer {
	uint64_t id;
	char *name;
	char **lanes;
	size_t n_lanes;
	int64_t granted, used; /* payloads since up */
	int64_t heard;         /* mono ms */
	int64_t last_lease;
	uint64_t turn; /* when it was chosen last */
	struct list flight; /* by lease */
	size_t n_flight;
	struct list keyed; /* ready, and only for this peer; by seq */
};

struct credit_lane {
	char *name; /* NULL: any peer */
	struct list ready; /* for whoever has the most credit; by seq */
};

struct credit {
	struct credit_limits limits;
	VEC(struct credit_peer *) peers;
	VEC(struct credit_lane *) lanes;
	struct list orphans; /* keyed, but no peer serves the lane; by seq */
	struct list delayed; /* by not_before */
	struct list suspects; /* ready, to be given out alone; by seq */
	size_t suspects_out;  /* in flight; one, unless they became it there */
	size_t ready, in_flight;
	uint64_t seq, turn, stale;
	int64_t lease_base;
};

static inline struct credit_item *credit_item_of(struct list *node)
{
	return CONTAINER_OF(node, struct credit_item, node);
}

/* NULL when the list is empty. */
static inline struct credit_item *credit_first(const struct list *head)
{
	return list_empty(head) ? NULL : credit_item_of(head->next);
}

/* Puts the item, which is in no list, among the ready or the delayed. */
void credit_make_ready(struct credit *c, struct credit_item *it,
	int64_t not_before, int64_t now);
/* The peers have changed: keyed items may have other owners. Those of gone,
 * which is no longer among the peers, find new ones; gone may be NULL. */
void credit_reassign(struct credit *c, struct credit_peer *gone);
/* The oldest item that may go now, and to whom; taken from the ready. NULL
 * when there is none. */
struct credit_item *credit_choose(struct credit *c, int64_t now,
	struct credit_peer **to);
bool credit_serves(const struct credit_peer *p, const char *lane);

/* credit_suspect.c */

/* The peer that gets nothing until it is empty, since a suspect waits for it;
 * NULL when none is to be given out now. */
struct credit_peer *credit_reserved(const struct credit *c);
/* It has a suspect: nothing goes beside it. */
bool credit_is_alone(const struct credit_peer *p);

#endif
