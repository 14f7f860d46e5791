/*
 * The rows of the access log that ingress writes: observations about requests
 * and repeats (rejected, ignored, duplicate) and, for an event that cannot be
 * read back, its end (failed). Each fills a zeroed record; pure but for the
 * ids of rows that belong to no event.
 */
#ifndef INGRESS_ROWS_H
#define INGRESS_ROWS_H

#include "ingress/provider.h"
#include "ingress/reject.h"
#include "ingress/spool_read.h"
#include "proto/msg/record.h"

/* A refused request, or several of them; request_path may be NULL. */
void rows_rejected(struct record *r, const struct reject_row *row,
	const char *request_path, int64_t now);
void rows_ignored(struct record *r, const char *source,
	const struct provider_ignored *ig, int64_t now);
/* The event repeats the one with id first. */
void rows_duplicate(struct record *r, const struct event *e,
	const char *first, int64_t now);
void rows_damaged(struct record *r, const struct spool_row *row, int64_t now);
/* Not final: the event waits for a person. */
void rows_parked(struct record *r, const struct event *e, const char *why,
	int64_t now);

#endif
