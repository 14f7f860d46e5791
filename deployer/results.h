/*
 * The rows that wait in the store, to the loggers: in order, a bounded number
 * at a time, each deleted when a logger has it. What a crash leaves is sent
 * again; a logger stores a row once.
 */
#ifndef DEPLOYER_RESULTS_H
#define DEPLOYER_RESULTS_H

#include "deployer/queue/queue_store.h"
#include "proto/daemon/outbox.h"

struct results;

struct results *results_new(struct queue_store *store, struct outbox *outbox);
void results_free(struct results *r); /* NULL is fine */
/* There may be new ones. */
void results_pump(struct results *r);

#endif
