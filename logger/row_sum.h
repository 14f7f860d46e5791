/*
 * A checksum for each row: what was stored is what is read. It finds what a
 * disk, memory or a hand has changed; it is no seal against an attacker, who
 * could compute it anew.
 *
 * It is the begin of a SHA-256 over the names and values of those fields that
 * have one, so a field that a later version adds changes no sum of before.
 */
#ifndef LOGGER_ROW_SUM_H
#define LOGGER_ROW_SUM_H

#include "proto/msg/record.h"

/* In place of a sum: the row is from before there were any; it should have
 * one and has none. 0, which a text is as a number, is neither. */
#define ROW_SUM_OLD (-2)
#define ROW_SUM_MISSING (-1)

#define ROW_DAMAGED "damaged" /* the status of a damaged row, as shown */

/* A positive number. */
int64_t row_sum(const struct record *r);
/* Is the row what was stored? */
bool row_sum_fits(const struct record *r, int64_t sum);

/* *out becomes what may be shown of a damaged row: its status is ROW_DAMAGED,
 * it is not final, the reason says what it was. Only well-formed texts are
 * taken, and no details. The caller releases it (field_release). */
void row_damaged(const struct record *r, struct record *out);

#endif
