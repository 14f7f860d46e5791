/*
 * The threads that read the store for requests. The HTTP server's own threads
 * never wait for a store: /healthz and /readyz answer however slow it is.
 */
#ifndef LOGGER_READERS_H
#define LOGGER_READERS_H

#include "proto/base/base.h"

#define READERS 4
#define READERS_WAIT_MS 5000 /* then there is no sense in beginning */

struct readers;

struct readers *readers_start(void) MUST_CHECK;
/* The calling thread gives way to all others from now on. */
void readers_give_way(void);
/* Runs fn on one of the threads, in the order of putting; late: it has waited
 * for longer than READERS_WAIT_MS, or we stop. Any thread: it gives way, since
 * it will also have to send what was read. */
void readers_put(struct readers *r, void (*fn)(void *ctx, bool late),
	void *ctx);
/* Runs what was put, as late, then ends; NULL is fine. */
void readers_stop(struct readers *r);

#endif
