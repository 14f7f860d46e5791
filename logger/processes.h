/*
 * How all processes are doing, as they say themselves every second: the
 * answer to /readyz. Who falls silent is not ready, for a while; who said
 * goodbye is forgotten. Times are passed in: mono ms for ages, UTC ms for
 * what is shown. Thread-safe.
 */
#ifndef LOGGER_PROCESSES_H
#define LOGGER_PROCESSES_H

#include "proto/base/strbuf.h"
#include "proto/msg/control.h"

#define PROCESSES_SILENT_MS 10000  /* without a status: not ready */
#define PROCESSES_FORGET_MS 600000 /* and then not even that */
#define PROCESSES_MAX 1000

struct processes;

struct processes *processes_new(void) MUST_CHECK;
void processes_free(struct processes *p); /* NULL is fine */

void processes_status(struct processes *p, const struct msg_status *s,
	int64_t mono, int64_t wall);
/* A connection of the process came or went; bye: it said goodbye. */
void processes_up(struct processes *p, const char *role, const char *instance);
void processes_down(struct processes *p, const char *role,
	const char *instance, bool bye);
/* Forgets who has been silent for long: to be called every now and then. */
void processes_forget(struct processes *p, int64_t mono);
/* {"ready":…,"processes":[…]}; returns whether all are ready. metrics: with
 * what each counts. */
bool processes_json(struct processes *p, int64_t mono, bool metrics,
	struct strbuf *out);

/* Calls fn for each process that was heard of lately; with the lock. */
void processes_each(struct processes *p, int64_t mono,
	void (*fn)(void *ctx, const struct msg_status *last), void *ctx);

#endif
