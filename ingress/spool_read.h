/*
 * Reading the spool back, through a connection of its own: the loop thread's.
 * Events are read in windows, so a backlog of any length costs little memory.
 */
#ifndef INGRESS_SPOOL_READ_H
#define INGRESS_SPOOL_READ_H

#include "ingress/spool.h"

struct spool_reader;

/* DIR as given to spool_open(), which comes first. Ids made from now on sort
 * after every id in the spool. */
struct spool_reader *spool_reader_open(const char *dir, struct err *err);
void spool_reader_close(struct spool_reader *r); /* NULL is fine */
/* Pending events and the newest seq, at the time of opening. */
int64_t spool_reader_pending(const struct spool_reader *r);
int64_t spool_reader_newest(const struct spool_reader *r);
/* When the oldest pending event was accepted, UTC ms; 0: there is none, or
 * the spool cannot be read. */
int64_t spool_reader_oldest(struct spool_reader *r);

/* A pending event. When damage is a sentence, event is zero and id and source
 * are what the other columns say. */
struct spool_row {
	int64_t seq;
	struct event event; /* may be taken over: zero it */
	const char *damage; /* a literal, or NULL */
	const char *id, *source; /* borrowed; may be NULL when damaged */
};

/* Up to limit pending events with after < seq <= upto, in order, each given
 * to fn. Sets *last to the last seq looked at, or to upto when there are no
 * more. -1: none or some were given; *last tells how far. */
int spool_reader_load(struct spool_reader *r, int64_t after, int64_t upto,
	size_t limit, void (*fn)(void *ctx, struct spool_row *row), void *ctx,
	int64_t *last, struct err *err);

/* The newest parked events, at most limit; reason is why. As above. */
int spool_reader_parked(struct spool_reader *r, size_t limit,
	void (*fn)(void *ctx, struct spool_row *row, const char *reason),
	void *ctx, struct err *err);

#endif
