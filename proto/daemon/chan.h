/*
 * Typed messages over a link, driven by credit. One implementation for all
 * three hops: ingress -> matcher -> deployer, and everyone -> logger. Either
 * end may bind. A sender's item stays the owner's until it is acknowledged;
 * when its peer is lost it is sent again, to whoever has credit. A receiver
 * must end each payload with chan_ack() or chan_nack(), in any order. The
 * dialogue is written down in docs/WIRE.md (proto/msg/control.c).
 *
 * Loop thread only. Callbacks may call everything here but chan_close(); an
 * item may be freed in the callback that says it has left the books.
 * Whatever a peer sends, it is refused, logged and answered, and we go on.
 */
#ifndef PROTO_DAEMON_CHAN_H
#define PROTO_DAEMON_CHAN_H

#include "proto/daemon/credit.h"
#include "proto/io/link.h"
#include "proto/msg/msg.h"

struct chan;

/* Embedded in what is sent; owned by who put it, with its body unchanged
 * until it has left the books. */
struct chan_item {
	struct credit_item credit; /* set lane and affinity before the put */
	enum msg_type type;
	const void *body; /* a struct of type's table; packed at each send */
};

/* Where a payload came from, to answer it; copy it. peer is the session: it
 * ends with it, and is not used again. */
struct chan_from {
	uint64_t peer;
	int64_t lease;
};

/* Who asked, to answer it; copy it. */
struct chan_asker {
	uint64_t peer;
	int64_t id;
};

struct chan_peer {
	uint64_t peer;
	const char *role, *instance, *version;
	const struct field_strs *lanes;
	bool bye; /* gone: it said so; else it was lost */
};

struct chan_ops {
	/* Receiver. msg is borrowed for the call. */
	void (*deliver)(void *ctx, const struct chan_from *from,
		const struct msg *msg);
	/* Sender: acknowledged; the item has left the books. */
	void (*acked)(void *ctx, struct chan_item *item);
	/* Sender: refused for now; it is queued again, unless the owner takes
	 * it back with chan_remove(). May be NULL. */
	void (*nacked)(void *ctx, struct chan_item *item, const char *reason);
	/* Sender: an item went out under a lease. May be NULL. */
	void (*sent)(void *ctx, struct chan_item *item);
	/* A peer said HELLO, or is gone. May be NULL. */
	void (*peer)(void *ctx, const struct chan_peer *peer, bool up);
	/* A STATUS came. May be NULL. */
	void (*status)(void *ctx, const struct msg_status *status);
	/* TRIGGERS came from a peer. May be NULL. */
	void (*triggers)(void *ctx, const struct chan_peer *peer,
		const struct msg_triggers *triggers);
	/* A peer asks for something: chan_answer() it, here or later. NULL:
	 * this process has no orders, and says so. */
	void (*order)(void *ctx, const struct chan_asker *from,
		const struct msg_order *order);
	/* Sender, with limits.isolate: a peer died of this item alone, as
	 * item->credit.deaths in a row did; it is queued again, unless taken
	 * back. May be NULL. */
	void (*died)(void *ctx, struct chan_item *item);
};

struct chan_config {
	const char *name; /* for the log: "matcher>deployer" */
	bool sends;       /* else receives */
	const char *bind; /* endpoint; or: */
	const char *const *connect;
	size_t n_connect;
	const char *role, *instance;
	const char *const *lanes; /* deployers; copied */
	size_t n_lanes;
	int64_t window; /* receiver: payloads not yet answered, per peer; 0: 16,
			   at most CREDIT_MAX_FLIGHT */
	const char *expect_role; /* peers of another role are refused;
				    NULL: any */
	const char *expect_also; /* or of this one */
	struct link_options link; /* max_message, hwm: 0 for what fits */
	struct credit_limits limits; /* zero: the defaults */
};

/* What c points to is copied. NULL with err when an endpoint is not usable. */
struct chan *chan_open(struct loop *l, const struct chan_config *c,
	const struct chan_ops *ops, void *ctx, struct err *err);
/* Says BYE, gives leases back, closes. Items stay the owner's. */
void chan_close(struct chan *c);

/* Sender. */
void chan_put(struct chan *c, struct chan_item *item);
void chan_remove(struct chan *c, struct chan_item *item);
bool chan_has_lane(const struct chan *c, const char *lane);
size_t chan_peers(const struct chan *c);
size_t chan_in_flight(const struct chan *c);
size_t chan_ready(const struct chan *c);
/* To every peer, unacknowledged; newest wins. */
void chan_send_status(struct chan *c, const struct msg_status *s);

/* To the session (chan_peer.peer), or with 0 to every one; matchers only. */
void chan_send_triggers(struct chan *c, uint64_t peer,
	const struct msg_triggers *t);

/*
 * Orders: a peer is asked to do or tell something, beside the payloads and
 * whichever way those go. Never repeated; what is not answered in time may
 * have been done.
 */
#define CHAN_ORDERS_MAX 256 /* unanswered */

struct chan_order {
	const char *role, *instance, *lane; /* who is asked; NULL: any */
	const char *what, *args, *who;      /* as in ORDER */
	int64_t timeout_ms;
};

/* answer is NULL when none came, and why says why; all borrowed. */
typedef void chan_answer_fn(void *ctx, const struct chan_peer *peer,
	const struct msg_answer *answer, const char *why);

/* Asks each peer that fits; fn is called once for each of them, never from
 * within the call, at the latest from chan_close(). How many were asked; 0
 * with err when nobody fits, too much is unanswered or it cannot be sent. */
size_t chan_ask(struct chan *c, const struct chan_order *o,
	chan_answer_fn *fn, void *ctx, struct err *err);
/* The answer to an order; a->id is set here. Texts are cut to fit. Once for
 * each; dropped when the asker is gone. */
void chan_answer(struct chan *c, const struct chan_asker *to,
	struct msg_answer *a);

/* Receiver. Answers for a peer that is gone are dropped: it will send again.
 * ACKs of one turn of the loop travel together. */
void chan_ack(struct chan *c, const struct chan_from *from);
void chan_nack(struct chan *c, const struct chan_from *from, int64_t delay_ms,
	const char *reason);
/* Stops granting (drain) or goes on. */
void chan_pause(struct chan *c, bool paused);

#endif
