/*
 * The inside of chan.h, for chan.c (life, what arrives), chan_time.c (what
 * happens by itself), chan_session.c (HELLO and what it starts), chan_send.c
 * and chan_recv.c (the two halves of a payload's way), chan_order.c (what is
 * asked beside them). For nobody else.
 */
#ifndef PROTO_DAEMON_CHAN_SESSION_H
#define PROTO_DAEMON_CHAN_SESSION_H

#include "proto/base/vec.h"
#include "proto/daemon/chan.h"

#define CHAN_PING_MS 1000
#define CHAN_HELLO_MS 1000 /* without an answer, say it again */

/* A lease that the receiver has not yet told the end of. */
struct chan_lease {
	int64_t lease;
	bool acked; /* to be told with the next ACK */
};

/*
 * One peer of the link, with or without a session. A binding end knows only
 * peers that have one, a connecting end also those it says HELLO to.
 */
struct chan_session {
	struct list node;
	link_peer link;
	char *name;     /* for the log, printable */
	uint64_t id;    /* of the session; 0: none. chan_from.peer */
	int64_t number; /* in HELLO; 0: none was said */
	struct msg_hello hello; /* the peer's, while there is a session */
	int64_t said;   /* mono ms of the last message to it */
	int64_t hello_since; /* connecting end: unanswered since */
	int64_t hello_due;   /* and to be said (again) */
	bool bye;       /* the peer said it */
	bool broken;    /* could not be sent to: ends with this turn */

	/* Receiver, in this session: */
	VEC(struct chan_lease) open; /* by lease */
	int64_t last_lease; /* 0 before the first payload */
	int64_t received, answered, granted; /* payloads */
	bool acks; /* open has some that are acked */
};

struct chan {
	struct loop *loop;
	struct link *link;
	struct credit *books; /* a receiver's know peers, but no items */
	struct chan_ops ops;
	void *ctx;
	bool sends, binds, paused;
	char *name, *expect_role, *expect_also; /* the roles may be NULL */
	struct msg_hello hello; /* ours, but for the number */
	int64_t window, lost_ms;
	struct list sessions;
	struct list asked; /* orders of ours that are unanswered */
	size_t n_asked;
	int64_t last_asked;
	uint64_t last_id;
	struct strbuf scratch; /* the message being packed */
	struct loop_timer *soon;  /* work waits for the end of this turn */
	struct loop_timer *timer;
	int64_t timer_at; /* mono ms */
};

/* chan.c */

/* 0, or -1: packing failed (err) or the session is broken now. */
int chan_say(struct chan *c, struct chan_session *s, enum msg_type type,
	int64_t lease, const void *body);
/* A peer breaks the protocol: logged; a binding end also tells it. */
void chan_refuse(struct chan *c, link_peer peer, const char *name,
	const char *text);

/* chan_time.c */

/* Something is to be sent: at the end of this turn of the loop. */
void chan_poke(struct chan *c);
/* The timer goes off when something happens by itself next. */
void chan_arm(struct chan *c, int64_t now);

/* chan_session.c */

static inline struct chan_session *chan_session_of(struct list *node)
{
	return CONTAINER_OF(node, struct chan_session, node);
}

struct chan_session *chan_session_by_link(const struct chan *c,
	link_peer peer);
struct chan_session *chan_session_by_id(const struct chan *c, uint64_t id);
struct chan_session *chan_session_new(struct chan *c, link_peer peer,
	const char *address, int64_t now);
void chan_session_hello(struct chan *c, link_peer peer,
	const struct msg_hello *hello, int64_t now);
/* Connecting end: says HELLO with a new number, or, while that is not
 * answered, the same one again. */
void chan_session_say_hello(struct chan *c, struct chan_session *s,
	int64_t now);
/* Leases are void from here. A connecting end says HELLO again, later. */
void chan_session_end(struct chan *c, struct chan_session *s, const char *why,
	int64_t now);
/* Ends it, forgets the peer and has the link do so, too; s is freed. */
void chan_session_lose(struct chan *c, struct chan_session *s,
	const char *why, int64_t now);
/* Frees s, which has no session and is unknown to the link. */
void chan_session_free(struct chan_session *s);
/* As the owner is told of it; id is the session's. */
struct chan_peer chan_session_peer(const struct chan_session *s, uint64_t id);

/* chan_send.c */

/* Sends what may go. */
void chan_send_ready(struct chan *c, int64_t now);
void chan_send_on_ack(struct chan *c, struct chan_session *s,
	const struct msg_ack *ack);
void chan_send_on_nack(struct chan *c, struct chan_session *s,
	const struct msg_nack *nack, int64_t now);

/* chan_order.c */

void chan_order_on_order(struct chan *c, struct chan_session *s,
	const struct msg_order *order);
void chan_order_on_answer(struct chan *c, struct chan_session *s,
	const struct msg_answer *answer);
/* Nothing comes any more of what this session was asked. */
void chan_order_lost(struct chan *c, const struct chan_session *s,
	const char *why);
/* Ends what is overdue. */
void chan_order_expire(struct chan *c, int64_t now);
/* When that is to be asked again; INT64_MAX: nothing waits. */
int64_t chan_order_next_time(const struct chan *c);

/* chan_recv.c */

/* s may be freed by this. */
void chan_recv_payload(struct chan *c, struct chan_session *s,
	const struct msg *m, int64_t now);
/* A payload that could not be read, but for its lease. */
void chan_recv_unreadable(struct chan *c, struct chan_session *s,
	int64_t lease, const char *why, int64_t now);
/* Tells the ACKs and the credit that this turn has brought. */
void chan_recv_answer(struct chan *c, struct chan_session *s);
/* The session's leases are nobody's any more. */
void chan_recv_forget(struct chan_session *s);

#endif
