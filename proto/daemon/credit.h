/*
 * Who still holds this? Pure bookkeeping of one sender: peers with the credit
 * they granted, items in flight with their lease, silence, and what goes back
 * to be sent again. Time is passed in, no sockets. An ACK names a lease; one
 * that ended (its peer was lost, it was given anew) is stale: ignored and
 * counted.
 *
 * Invariant: an item is in exactly one place: ready (or waiting for its
 * not_before), in flight with one peer, or out of the books. Of the items
 * that may go, the one put first goes first.
 */
#ifndef PROTO_DAEMON_CREDIT_H
#define PROTO_DAEMON_CREDIT_H

#include "proto/base/list.h"
#include "proto/base/str.h"

struct credit; /* opaque: one sender's books */

#define CREDIT_MAX_FLIGHT 1024 /* with one peer, whatever it grants */

/* Embedded by the owner of an item; the books never free it. The owner sets
 * lane and affinity, which stay as they are until the item has left. */
struct credit_item {
	const char *lane;   /* only to peers that serve it; NULL: any */
	const char *affinity; /* same key, same peer, while the peers stay,
				 even when it has no credit just now;
				 NULL: the peer with the most credit */
	unsigned tries;     /* times sent */
	int64_t lease;      /* 0 while not in flight */
	uint64_t peer;      /* while in flight */
	unsigned deaths;    /* peers that died at once when given it alone */
	/* The books' own: */
	struct list node;
	bool suspect;       /* to be given out alone */
	uint64_t seq;       /* order of the puts */
	int64_t hard_end;   /* mono ms: the lease ends, whoever is heard */
	int64_t not_before; /* mono ms: set by a NACK with a delay */
};

struct credit_limits {
	int64_t lost_ms;  /* silence that ends a peer: 5,000 */
	int64_t lease_ms; /* silence that ends its leases: 30,000 */
	int64_t lease_max_ms; /* what ends a lease in any case: 900,000 */
	bool isolate; /* find items that kill: credit_peer_died() */
};

/* A limit of 0 is its default. */
struct credit *credit_new(const struct credit_limits *limits);
void credit_free(struct credit *c); /* items stay the owner's */

/*
 * Peers. up starts a session: credit 0, nothing in flight; a number is used
 * for one session only and is not 0. Affinity goes by the name, so that
 * senders that see the same names choose alike. Name and lanes are copied.
 * Leases of a session count up by one. down returns what was in flight to
 * the ready list.
 */
void credit_peer_up(struct credit *c, uint64_t peer, const char *name,
	const char *const *lanes, size_t n, int64_t now);
void credit_peer_down(struct credit *c, uint64_t peer);
void credit_peer_heard(struct credit *c, uint64_t peer, int64_t now);
/* Total payloads the peer has room for since up; never shrinks. */
void credit_peer_granted(struct credit *c, uint64_t peer, int64_t total);
/*
 * Before down, of a peer that did not say goodbye; with isolate. What it had
 * been given within two seconds of its last word is suspect from here: it is
 * given to a peer that has nothing else, and nothing beside it, one suspect at
 * a time. The item whose deaths this adds to, as it was alone with the peer,
 * or NULL. A NACK, or two seconds of life, clears it.
 */
struct credit_item *credit_peer_died(struct credit *c, uint64_t peer);
bool credit_has_peer(const struct credit *c, uint64_t peer);
bool credit_has_lane(const struct credit *c, const char *lane);
size_t credit_peers(const struct credit *c);

/* Items. put queues at the end; remove takes an item back in any state, and
 * is harmless when it is out of the books. */
void credit_put(struct credit *c, struct credit_item *it);
void credit_remove(struct credit *c, struct credit_item *it);
/* The next item that may go now, with its peer and a new lease; it is in
 * flight from here. NULL: nothing ready or nobody has credit for it. One
 * lane without credit does not hold the others. */
struct credit_item *credit_next(struct credit *c, int64_t now);
/* The item that credit_next just gave did not leave after all: its lease
 * never was. Back to the ready list, not before now + delay. */
void credit_cancel(struct credit *c, struct credit_item *it, int64_t delay_ms,
	int64_t now);

/* Ends a lease. The item, no longer in the books, or NULL when stale. */
struct credit_item *credit_ack(struct credit *c, uint64_t peer, int64_t lease);
/* The peer's leases from..upto: repeatedly, until NULL. */
struct credit_item *credit_ack_range(struct credit *c, uint64_t peer,
	int64_t from, int64_t upto);
/* Back to the ready list, not before now + delay (at most lease_max_ms). NULL
 * when stale. */
struct credit_item *credit_nack(struct credit *c, uint64_t peer,
	int64_t lease, int64_t delay_ms, int64_t now);

/* A peer that has been silent too long, or 0: call credit_peer_down for it. */
uint64_t credit_lost_peer(struct credit *c, int64_t now);
/* Returns leases past their end to the ready list; how many. */
size_t credit_expire(struct credit *c, int64_t now);
/* When something happens by itself next, mono ms; INT64_MAX for never. */
int64_t credit_next_time(const struct credit *c);

size_t credit_ready(const struct credit *c);
size_t credit_in_flight(const struct credit *c);
uint64_t credit_stale(const struct credit *c); /* stale ACKs and NACKs */

#endif
