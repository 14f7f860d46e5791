/*
 * A bounded reader of MessagePack bytes (the format's specification, v5). It
 * allocates nothing: a count or a length is believed only when the bytes that
 * remain could hold it, so five hostile bytes cannot claim 16 GiB. Integers
 * are read in any width; floats, extensions and binaries only skipped.
 */
#ifndef PROTO_MSG_CURSOR_H
#define PROTO_MSG_CURSOR_H

#include "proto/base/str.h"

struct cursor {
	const unsigned char *p, *end;
};

struct cursor cursor_of(struct str bytes);
size_t cursor_left(const struct cursor *c);

/* Each takes one value of its type: 0, or -1 (another type, cut short, or a
 * count that cannot be), and then the cursor has not moved. */
int cursor_i64(struct cursor *c, int64_t *out);
int cursor_bool(struct cursor *c, bool *out);
int cursor_str(struct cursor *c, struct str *out);
int cursor_array(struct cursor *c, size_t *n); /* n values follow */
int cursor_map(struct cursor *c, size_t *n);   /* n pairs follow */
/* Takes any one value, itself nested at most depth levels. */
int cursor_skip(struct cursor *c, unsigned depth);

#endif
