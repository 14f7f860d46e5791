/*
 * The damaged rows that were met: each is told in the log and counted once, as
 * often as it is read. Any thread.
 */
#ifndef LOGGER_DAMAGE_H
#define LOGGER_DAMAGE_H

#include "proto/msg/record.h"

/* So many are known one by one; of more it is only said that there are. */
#define DAMAGE_MAX 1000

struct damage;

struct damage *damage_new(void);
void damage_free(struct damage *d); /* NULL is fine */
/* The row at seq does not fit its checksum. */
void damage_found(struct damage *d, int64_t seq, const struct record *r);

#endif
