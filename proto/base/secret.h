/*
 * A secret value: wiped when freed, never printed. There is no accessor that
 * copies; secret_matches() compares in constant time.
 */
#ifndef PROTO_BASE_SECRET_H
#define PROTO_BASE_SECRET_H

#include "proto/base/err.h"
#include "proto/base/str.h"

struct secret {
	char *p; /* NULL when none is set */
	size_t n;
};

/* Copies; what s held before is wiped. */
void secret_set(struct secret *s, struct str value);
/* The file's content less one final newline (LF or CRLF), 1..64 KiB. 0 or -1;
 * on failure *s keeps what it had. */
int secret_read(struct secret *s, const char *path, struct err *err);
bool secret_matches(const struct secret *s, struct str candidate);
void secret_release(struct secret *s);

#endif
