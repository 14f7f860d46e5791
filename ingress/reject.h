/*
 * Which refusals get a row of the access log. The first REJECT_SINGLE of a
 * (source, peer address, status) get one each at once; further ones within a
 * minute are counted and get one row when the minute is over. So a flood costs
 * one row an address and minute, and memory for REJECT_KEYS of them: what
 * comes beyond shares one more key. Thread-safe; time is passed in.
 */
#ifndef INGRESS_REJECT_H
#define INGRESS_REJECT_H

#include "proto/base/base.h"

#define REJECT_SINGLE 8
#define REJECT_KEYS 1024
#define REJECT_WINDOW_MS 60000

struct reject;

struct reject_row {
	const char *source; /* configured name, or NULL */
	const char *peer;   /* address, or "many addresses" */
	int status;
	const char *reason; /* of the last one */
	uint64_t count; /* refusals that this row stands for */
};

struct reject *reject_new(void);
void reject_free(struct reject *r);
/* True: write a row for this one now. */
bool reject_note(struct reject *r, const struct reject_row *row, int64_t now);
/* The rows of minutes that are over; call every second or so. Texts are
 * borrowed for the call. */
void reject_flush(struct reject *r, int64_t now,
	void (*fn)(void *ctx, const struct reject_row *row), void *ctx);

#endif
