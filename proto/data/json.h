/*
 * JSON (RFC 8259), strict: a scan of our own goes before cJSON and refuses
 * what cJSON lets through: bad UTF-8, a byte order mark, NUL (raw or
 * escaped), lone surrogates, raw control bytes, numbers outside the grammar,
 * duplicate keys, trailing bytes, depth and node count over the limits.
 * Look-ups are case-sensitive. Only json.c has cJSON.h; the scan is json_scan.c.
 */
#ifndef PROTO_DATA_JSON_H
#define PROTO_DATA_JSON_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

struct json; /* a node; owned by its tree unless said otherwise */

enum json_kind {
	JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT,
};

struct json_limits {
	size_t depth; /* 0: 32; at most 1,000 */
	size_t nodes; /* values; 0: 10,000 */
};

/* For bodies from outside. NULL and err (ERR_FAIL, the byte's offset in the
 * text) when refused. The caller frees the tree. */
struct json *json_parse(struct str text, const struct json_limits *limits,
	struct err *err);
/* Only the strict scan: 0 or -1. */
int json_scan(struct str text, const struct json_limits *limits,
	struct err *err);
void json_free(struct json *root); /* NULL is fine */

/* Reading. A NULL node reads as absent, so that look-ups chain. */
enum json_kind json_kind(const struct json *j); /* NULL: JSON_NULL */
struct json *json_get(const struct json *object, const char *key);
struct json *json_at(const struct json *array, size_t i);
size_t json_len(const struct json *array_or_object);
/* Children in order: for (c = json_first(j); c; c = json_next(c)) */
struct json *json_first(const struct json *j);
struct json *json_next(const struct json *j);
const char *json_key(const struct json *member);
const char *json_str(const struct json *j); /* NULL unless a string */
bool json_bool(const struct json *j);       /* false unless true */
/* The fallback unless an integer of 64 bits, however spelled (1e3). */
int64_t json_i64(const struct json *j, int64_t fallback);
/* A number's text as it came; empty for other kinds. buf serves numbers that
 * need no text of their own. */
#define JSON_NUMBER_BUF 24
struct str json_number_text(const struct json *j, char buf[JSON_NUMBER_BUF]);
bool json_is_null(const struct json *j); /* absent or null */
/* Same value; object members in any order, numbers by value. */
bool json_equal(const struct json *a, const struct json *b);
/* "push_data.tag", "events.0.target": NULL when any step is absent. */
struct json *json_path(const struct json *j, const char *path);

/* Typed getters that name the path that failed, for provider parsers.
 * Required: -1 when absent or of another type. The string is borrowed. */
int json_need_str(const struct json *j, const char *path, const char **out,
	struct err *err);
/* Optional: NULL when absent or null; -1 only for another type. */
int json_want_str(const struct json *j, const char *path, const char **out,
	struct err *err);

/* Making and editing. add and set take ownership of the child; set replaces
 * a member of that key, keeping its place. */
struct json *json_new_object(void);
struct json *json_new_array(void);
struct json *json_new_str(const char *s); /* NULL: null */
struct json *json_new_strn(struct str s); /* a NUL inside becomes "?" */
struct json *json_new_i64(int64_t n);
struct json *json_new_bool(bool b);
struct json *json_new_null(void);
struct json *json_copy(const struct json *j); /* deep */
void json_set(struct json *object, const char *key, struct json *child);
/* NULL: null. */
void json_set_str(struct json *object, const char *key, const char *s);
void json_set_i64(struct json *object, const char *key, int64_t n);
void json_set_bool(struct json *object, const char *key, bool b);
void json_push(struct json *array, struct json *child);
void json_del(struct json *object, const char *key); /* absent is fine */
void json_del_at(struct json *array, size_t i);
/* Takes the member out of the tree; the caller owns it. NULL when absent. */
struct json *json_detach(struct json *object, const char *key);

/* Compact text. Numbers come out spelled as they went in. */
void json_write(const struct json *j, struct strbuf *out);
/* A quoted, escaped string, for writers that stream. Bytes that are not
 * UTF-8 become U+FFFD. */
void json_write_str(struct str s, struct strbuf *out);

#endif
