/*
 * Records to the loggers. Two kinds: results, which wait in the sender's
 * store until acknowledged (the owner is told and deletes them), and
 * observations (rejected, ignored), which are bounded: when the loggers are
 * away for long the oldest wait, further ones are counted and dropped, and
 * the count is logged.
 */
#ifndef PROTO_DAEMON_OUTBOX_H
#define PROTO_DAEMON_OUTBOX_H

#include "proto/daemon/chan.h"

struct outbox;

struct outbox_config {
	const char *role, *instance;
	const char *const *logger; /* endpoints */
	size_t n_logger;
	size_t max_observations; /* 0: 10,000 */
	const char *const *lanes; /* deployers, for loggers that ask for one */
	size_t n_lanes;
	/* A logger asks for something: outbox_answer() it. NULL: this process
	 * has no orders. */
	void (*order)(void *ctx, const struct chan_asker *from,
		const struct msg_order *order);
	void *ctx;
	struct link_options link;
};

struct outbox *outbox_open(struct loop *l, const struct outbox_config *c,
	struct err *err);
void outbox_close(struct outbox *o);

/* Takes over *r (it is zeroed). acked runs when a logger has committed it;
 * NULL makes it an observation. Loop thread only. instance is filled in, and
 * the record made to fit its limits. */
void outbox_put(struct outbox *o, struct record *r,
	void (*acked)(void *ctx, const char *record_id), void *ctx);
/* As outbox_put without acked, from any thread; all have ended doing so
 * before outbox_close(). */
void outbox_observe(struct outbox *o, struct record *r);
void outbox_status(struct outbox *o, const struct msg_status *s);
/* As chan_answer(). */
void outbox_answer(struct outbox *o, const struct chan_asker *to,
	struct msg_answer *a);
/* Forgets a callback's owner: its records go on without a call. */
void outbox_forget(struct outbox *o, void *ctx);
size_t outbox_waiting(const struct outbox *o);
uint64_t outbox_dropped(struct outbox *o);

#endif
