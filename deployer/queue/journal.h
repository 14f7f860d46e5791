/*
 * The drivers' journal (driver.h) in the queue's database: on disk before a
 * call returns. The entries go away with their jobs' ends (queue_store.c).
 */
#ifndef DEPLOYER_JOURNAL_H
#define DEPLOYER_JOURNAL_H

#include "deployer/driver.h"
#include "proto/data/db.h"

#define JOURNAL_NOTE_MAX ((size_t)1 << 20) /* bytes */

struct journal_db {
	struct journal journal; /* what drivers get */
	struct db_writer *writer;
};

/* Lives as long as the writer. */
void journal_init(struct journal_db *j, struct db_writer *writer);

#endif
