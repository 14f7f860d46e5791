/*
 * Can ingress accept? Watches the spool and the room on its disk, and tells
 * the daemon's status. Ready means: a webhook can be committed. That no
 * matcher is connected is told to the loggers, but does not make ingress
 * itself unready: events wait safely.
 */
#ifndef INGRESS_READY_H
#define INGRESS_READY_H

#include "ingress/dispatch.h"
#include "ingress/spool.h"
#include "proto/daemon/daemon.h"

struct ready;

struct ready *ready_new(struct daemon *d, const char *dir,
	struct spool *spool);
void ready_free(struct ready *r); /* NULL is fine */
/* Every second, on the loop; now: mono ms. */
void ready_tick(struct ready *r, struct dispatch *dispatch, int64_t now);
void ready_drain(struct ready *r);

/* Any thread. 0; -1 with why nothing is accepted now (drain, room), and in
 * err->code the seconds after which to ask again. */
int ready_accepts(const struct ready *r, struct err *err);
/* As that, and the last commit must have succeeded. */
int ready_check(const struct ready *r, struct err *err);

/* Less than a twentieth left? A total of 0 means "not told": false. */
bool ready_low(uint64_t left, uint64_t total);

#endif
