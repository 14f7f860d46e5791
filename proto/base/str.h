/*
 * A borrowed slice of bytes, and the parsing of small texts: numbers,
 * durations, sizes, times. Nothing here allocates.
 */
#ifndef PROTO_BASE_STR_H
#define PROTO_BASE_STR_H

#include "proto/base/base.h"

struct str {
	const char *p;
	size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
struct str str_from(const char *s); /* NULL gives the empty slice */
bool str_eq(struct str a, struct str b);
bool str_is(struct str a, const char *s);
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Index of the first c, or s.n. */
size_t str_find(struct str s, char c);
struct str str_cut(struct str s, size_t from, size_t to); /* clamped */
struct str str_trim(struct str s); /* spaces and tabs at both ends */
/* Takes the part before the first sep off *rest; false when *rest is used up.
 * "a,,b" gives a, (empty), b. */
bool str_split(struct str *rest, char sep, struct str *part);

/* Whole slice must be the number. 0 or -1. */
int str_to_i64(struct str s, int64_t *out);
int str_to_u64(struct str s, uint64_t *out);
/* "500ms" "30s" "5m" "2h" "7d", bare "0"; into ms. 0 or -1. */
int str_to_duration(struct str s, int64_t *ms);
/* "512" "64KiB" "5MiB" "1GiB" (and B, KB, MB, GB in tens). 0 or -1. */
int str_to_size(struct str s, int64_t *bytes);
/* RFC 3339 with any fraction and offset, into UTC ms; finer than a ms is cut
 * off, a leap second counts as the next one. 0 or -1. */
int str_to_time(struct str s, int64_t *utc_ms);

#define STR_TIME_LEN 25
/* "2026-11-23T11:49:00.123Z"; returns buf. */
char *str_time(int64_t utc_ms, char buf[STR_TIME_LEN]);

/* Control bytes and bytes above 126 as \xNN, backslash as \\, so that a text
 * from outside cannot forge a log line. Truncates at n - 1, never inside an
 * escape; returns buf. */
char *str_safe(struct str s, char *buf, size_t n);

#endif
