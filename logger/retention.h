/*
 * Rows older than the configured age go, and the oldest while all take more
 * than the configured size, in small batches between which the store takes
 * rows: a look every minute, and as long as a batch was full the next one
 * soon. The file keeps its size; the room is used again. Loop thread only.
 */
#ifndef LOGGER_RETENTION_H
#define LOGGER_RETENTION_H

#include "logger/store.h"
#include "proto/io/loop.h"

struct retention;

struct retention *retention_start(struct loop *l, struct store *s,
	int64_t retain_ms, int64_t max_bytes) MUST_CHECK;
/* No new batch; before the store is closed. */
void retention_stop(struct retention *r);
/* After the store was closed. NULL is fine. */
void retention_free(struct retention *r);
uint64_t retention_pruned(const struct retention *r);

#endif
