/*
 * The inside of dispatch.h: the window of events in memory, for dispatch.c,
 * which moves them, and dispatch_fill.c, which fills it from the disk.
 */
#ifndef INGRESS_DISPATCH_INSIDE_H
#define INGRESS_DISPATCH_INSIDE_H

#include <pthread.h>

#include "ingress/aside.h"
#include "ingress/dispatch.h"
#include "ingress/marks.h"

struct dispatch_item {
	struct chan_item chan;
	struct list node; /* in dispatch.items */
	struct event event;
	int64_t seq;
};

struct dispatch {
	struct dispatch_config c;
	struct chan *chan;

	pthread_mutex_t lock; /* guards these: */
	struct list inbox; /* items on their way from the writer's thread */
	int64_t loaded, tail; /* see the header's invariant */
	size_t held; /* items in memory, the inbox's included */
	int64_t pending;
	bool posted; /* dispatch_take_inbox() is on its way */
	bool closed;

	/* Loop thread only: */
	struct list items;
	struct marks *marks;
	struct aside aside;
	bool draining;
};

/* Takes over *e (zeroed). */
struct dispatch_item *dispatch_item_new(struct event *e, int64_t seq);
/* To the channel. */
void dispatch_item_send(struct dispatch *d, struct dispatch_item *it);
/* On the loop: takes what the writer's thread has brought, then refills. */
void dispatch_take_inbox(void *ctx);

/* What dispatch_refill() can do now; takes the lock. */
struct dispatch_room {
	int64_t loaded, tail;
	bool disk;  /* a chunk from the disk waits and fits */
	bool full;  /* it waits and does not fit */
	bool aside; /* there is room for one that was set aside */
};

/* Any of these on the loop's thread. */
struct dispatch_room dispatch_room(struct dispatch *d);
/* One chunk from the disk and one of what was set aside; then again while
 * there is room and more to read. */
void dispatch_refill(struct dispatch *d);
/* Sees to it that dispatch_refill() is called soon if it can do something. */
void dispatch_poke(struct dispatch *d);

#endif
