/*
 * Hours of the week in a place: `Mon-Fri 22:00-06:00 Europe/Berlin`. The days
 * are those on which it opens; a window that ends at or before its beginning
 * ends on the next day. Clocks that are changed move both ends: an hour that
 * comes twice is in it twice, and one that is skipped is not in it. Pure after
 * the reading; any thread.
 */
#ifndef PROTO_BASE_WINDOW_H
#define PROTO_BASE_WINDOW_H

#include "proto/base/err.h"

struct window; /* opaque */

/* `[DAY|DAY-DAY] HH:MM-HH:MM ZONE`, ZONE a file in folder (zone.h); without
 * days: every day. NULL with err. */
struct window *window_new(const char *text, const char *folder,
	struct err *err) MUST_CHECK;
void window_free(struct window *w); /* NULL is fine */

/* now (UTC ms) when it is open, else when it opens next, UTC ms. */
int64_t window_next(const struct window *w, int64_t now);

#endif
