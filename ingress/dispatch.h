/*
 * Events to the matchers. Every pending event of the spool is here once, in
 * memory or still on disk; it goes to a matcher with credit under a lease,
 * and is marked done in the spool when a matcher has acknowledged it. What is
 * not acknowledged (lost matcher, NACK, silence) is sent again by the channel.
 *
 * At most DISPATCH_WINDOW events are in memory. Invariant: an event with
 * seq <= loaded is in memory, was acknowledged, or is set aside; one with
 * loaded < seq <= tail is on disk only. New events go to memory only while
 * loaded == tail, so order is kept and none is read twice.
 *
 * Events that matchers refuse do not hold the others: when there is no room
 * for what waits on disk, they are set aside (aside.h) and come back later,
 * into half of the window at most.
 */
#ifndef INGRESS_DISPATCH_H
#define INGRESS_DISPATCH_H

#include "ingress/spool_read.h"
#include "proto/daemon/chan.h"
#include "proto/daemon/outbox.h"

#define DISPATCH_WINDOW 10000

struct dispatch;

struct dispatch_config {
	struct loop *loop;
	struct spool *spool;
	struct spool_reader *reader; /* both outlive it */
	struct outbox *outbox;
	const char *link, *instance;
	struct link_options options;
	int64_t aside_ms; /* how long a refused event stays aside; 0: 10 s */
};

struct dispatch *dispatch_open(const struct dispatch_config *c,
	struct err *err);
/* Says goodbye to the matchers, who give back what they hold. Afterwards
 * only dispatch_accept() may still be called. */
void dispatch_close(struct dispatch *d);
void dispatch_free(struct dispatch *d); /* NULL is fine */

/* A committed event, in the order of commits, on the writer's thread. Takes
 * over *e (it is zeroed). */
void dispatch_accept(struct dispatch *d, struct event *e, int64_t seq);

/* Loop thread. */
void dispatch_tick(struct dispatch *d); /* every second: retries */
/* An event that was parked is pending again. */
void dispatch_again(struct dispatch *d, int64_t seq);
/* Sends nothing new; leases end by ACK or with dispatch_close(). */
void dispatch_drain(struct dispatch *d);
bool dispatch_drained(const struct dispatch *d);
size_t dispatch_matchers(const struct dispatch *d);
size_t dispatch_in_flight(const struct dispatch *d);
int64_t dispatch_pending(struct dispatch *d); /* in the spool */
/* Age of the oldest of them, ms; 0: there is none. now: UTC ms. */
int64_t dispatch_oldest(struct dispatch *d, int64_t now);

#endif
