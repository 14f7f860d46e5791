/*
 * The inside of spool.h, for spool.c and spool_put.c.
 */
#ifndef INGRESS_SPOOL_INSIDE_H
#define INGRESS_SPOOL_INSIDE_H

#include <stdatomic.h>

#include "ingress/spool.h"
#include "proto/data/db.h"

struct spool {
	struct db_writer *writer;
	atomic_bool healthy;
};

/* Writes that change something end here: the last commit is the state. */
void spool_note_commit(struct spool *s, const struct err *err);

#endif
