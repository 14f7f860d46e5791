/*
 * Events on their way to be marked in the spool: done when a matcher has
 * acknowledged them, or parked. One write at a time: what comes meanwhile goes
 * with the next. A write that fails, or finds the queue full, is repeated at
 * the next tick; a crash before it repeats what led to it, which does no harm.
 * Loop thread only, but for the spool's callback.
 */
#ifndef INGRESS_MARKS_H
#define INGRESS_MARKS_H

#include "ingress/spool.h"
#include "proto/io/loop.h"

struct marks;

/* marked is told on the loop how many more are marked. */
struct marks *marks_new(struct loop *l, struct spool *s,
	void (*marked)(void *ctx, size_t n), void *ctx);
/* parked: why, a literal; NULL: done. */
void marks_add(struct marks *m, int64_t seq, const char *parked);
void marks_tick(struct marks *m);
size_t marks_len(const struct marks *m); /* not yet marked */
/* Before the spool is closed: marked is not called any more. */
void marks_close(struct marks *m);
/* After the spool was closed. The loop may go on: what was on its way to it
 * comes to nothing. */
void marks_free(struct marks *m);

#endif
