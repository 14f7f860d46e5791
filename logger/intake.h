/*
 * Records from all processes: into the store, and only when they are on disk
 * acknowledged and printed. A record that cannot be stored now goes back to
 * its sender, who keeps it and sends it again. Loop thread only.
 */
#ifndef LOGGER_INTAKE_H
#define LOGGER_INTAKE_H

#include "logger/output.h"
#include "logger/processes.h"
#include "logger/store.h"
#include "proto/daemon/chan.h"

struct intake;

struct intake_config {
	struct loop *loop;
	struct store *store;
	struct output *output;
	struct processes *processes;
	const char *bind;
	const char *instance;
	struct link_options link;
};

/* NULL with err when the link cannot be bound. */
struct intake *intake_open(const struct intake_config *c, struct err *err);
/* No more records; those under way end well. */
void intake_drain(struct intake *in);
bool intake_drained(const struct intake *in);
/* Closes the link: before the store is closed. */
void intake_close(struct intake *in);
/* After the store was closed. NULL is fine. */
void intake_free(struct intake *in);

/* As chan_ask(), of the processes connected here; 0 with err after the
 * close. */
size_t intake_ask(struct intake *in, const struct chan_order *o,
	chan_answer_fn *fn, void *ctx, struct err *err);

/* Does the store take rows? 0, or -1 with what it said within the last
 * seconds; now: mono ms. */
int intake_check(const struct intake *in, int64_t now, struct err *err);

#endif
