/*
 * One event's memory: bump allocation under a hard cap with a sticky
 * overflow. Allocate freely, check arena_failed() once, free once.
 */
#ifndef PROTO_BASE_ARENA_H
#define PROTO_BASE_ARENA_H

#include "proto/base/str.h"

struct arena {
	struct arena_block *head;
	size_t used, cap; /* bytes */
	bool failed;
};

void arena_init(struct arena *a, size_t cap);
/* Zeroed and aligned; NULL (and failed) past the cap. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, struct str s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool arena_failed(const struct arena *a);
void arena_free(struct arena *a);

#endif
