/*
 * A growing string with a limit. Invariant: buf is NUL-terminated after any
 * call, len never exceeds limit. A write past the limit sets failed and
 * leaves the content as it was; later writes do nothing either, so check once
 * at the end. All-zero is a valid empty strbuf with the default limit.
 */
#ifndef PROTO_BASE_STRBUF_H
#define PROTO_BASE_STRBUF_H

#include "proto/base/str.h"

#define STRBUF_LIMIT_DEFAULT ((size_t)16 << 20)

struct strbuf {
	char *buf; /* NULL while nothing was written */
	size_t len, cap;
	size_t limit; /* bytes; 0 means STRBUF_LIMIT_DEFAULT */
	bool failed;
};

void strbuf_add(struct strbuf *sb, const void *p, size_t n);
void strbuf_add_cstr(struct strbuf *sb, const char *s);
void strbuf_add_str(struct strbuf *sb, struct str s);
void strbuf_add_char(struct strbuf *sb, char c);
void strbuf_addf(struct strbuf *sb, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Shortens to len; to 0 also clears failed, for the next use. */
void strbuf_truncate(struct strbuf *sb, size_t len);
struct str strbuf_str(const struct strbuf *sb);
const char *strbuf_cstr(const struct strbuf *sb); /* "" when empty */
/* Hands the buffer to the caller, who frees it; sb is empty again and keeps
 * its limit, as after strbuf_release(). Never NULL. */
char *strbuf_detach(struct strbuf *sb) MUST_CHECK;
void strbuf_release(struct strbuf *sb);

#endif
