/*
 * A packed message as it rests in the queue: its bytes, a mark, and a checksum
 * of them, so that turned bits are known. Finds damage, is no proof of origin.
 */
#ifndef DEPLOYER_SEALED_H
#define DEPLOYER_SEALED_H

#include "proto/msg/field.h"

void sealed_close(struct strbuf *packed);
/* Into zeroed *out. Bytes without a seal are taken when they are a message.
 * 0 or -1. */
int sealed_open(const struct field_table *table, struct str bytes, void *out,
	struct err *err);

#endif
