/*
 * A record as a person or a program reads it: one line, whatever bytes are in
 * it. The JSON line has the fields of the record's table, in its order.
 */
#ifndef LOGGER_ROW_H
#define LOGGER_ROW_H

#include "proto/msg/record.h"

/* One JSON object, without a newline. Times are RFC 3339, UTC; what a record
 * does not have is null; details that are not JSON become null. */
void row_json(const struct record *r, struct strbuf *out);
enum row_outcome { ROW_WELL, ROW_BADLY, ROW_QUIET };

/* How it went: well (deployed, unchanged, 2xx), badly, or nothing was to be
 * done yet or at all (untriggered, superseded, waiting, …). */
enum row_outcome row_outcome(const char *status);
/* The text, harmless for a terminal: controls, and bytes that are no
 * character, show as \xNN. Returns how many columns it takes. */
int row_safe(const char *text, struct strbuf *out);

/* One aligned line, without a newline; with colours for a terminal. */
void row_text(const struct record *r, bool colour, struct strbuf *out);

#endif
