/*
 * Requests that wait for their commit. Each is answered once: by the writer
 * thread when the commit ends, or by the loop when that takes too long.
 * Whoever takes the entry first answers. Thread-safe; time is passed in.
 */
#ifndef INGRESS_PENDING_H
#define INGRESS_PENDING_H

#include <pthread.h>

#include "proto/base/list.h"

struct pending {
	pthread_mutex_t lock;
	struct list waiting; /* in order of their deadlines */
	int64_t wake; /* by then someone calls pending_overdue(); 0: nobody */
};

struct pending_entry {
	struct list node;
	int64_t deadline; /* mono ms */
	void *request;
};

void pending_init(struct pending *p);
void pending_destroy(struct pending *p);
/* The entry stays the caller's. True: nobody watches yet, or not so early: the
 * caller must see to it that pending_overdue() is called soon. */
bool pending_add(struct pending *p, struct pending_entry *e, void *request,
	int64_t deadline);
/* True when the caller is the first: it answers. */
bool pending_take(struct pending *p, struct pending_entry *e);
/* Takes one that is past its deadline: its request, or NULL. The entry itself
 * may be gone by then. With NULL, *next is when to call again, or 0 when
 * nothing waits: then nobody watches any more. */
void *pending_overdue(struct pending *p, int64_t now, int64_t *next);

#endif
