/*
 * A message is declared once, as a table of fields; this one walker packs,
 * unpacks, prints, checks and frees it. On the wire a message is a msgpack
 * map from field name to value: a reader skips names it does not know, so
 * fields may be added; absent optional fields read as NULL, 0 or false.
 * Only file with msgpack.h.
 */
#ifndef PROTO_MSG_FIELD_H
#define PROTO_MSG_FIELD_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

enum field_type {
	FIELD_STR,  /* char *: NULL or NUL-terminated UTF-8, no NUL inside */
	FIELD_JSON, /* char *: as FIELD_STR; holds one JSON value */
	FIELD_I64,  /* int64_t */
	FIELD_BOOL, /* bool */
	FIELD_STRS, /* struct field_strs */
	FIELD_I64S, /* struct field_i64s */
	FIELD_SUB,  /* a struct of table sub, in place */
};

#define FIELD_REQUIRED 1u /* unpack fails without it (STR: or empty) */

struct field_strs {
	char **v; /* owned, each owned */
	size_t n;
};

struct field_i64s {
	int64_t *v; /* owned */
	size_t n;
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset;
	size_t max; /* STR, JSON: bytes; STRS, I64S: elements */
	unsigned flags;
	const struct field_table *sub;
	const char *help; /* the sentence that docs/WIRE.md prints */
};

struct field_table {
	const char *name;
	const char *help;
	size_t size; /* of the struct */
	const struct field *fields;
	size_t n;
};

/* Appends the packed map. A value over its limit is our caller's bug only if
 * it came from us: the walker refuses it, 0 or -1. */
int field_pack(const struct field_table *t, const void *obj,
	struct strbuf *out, struct err *err) MUST_CHECK;
/*
 * Fills a zeroed *obj from exactly these bytes. Counts are checked against
 * the bytes that remain before anything is allocated; nesting is bounded;
 * leftover bytes, duplicate names and wrong types are refused. On -1 *obj is
 * released and zero.
 */
int field_unpack(const struct field_table *t, struct str bytes, void *obj,
	struct err *err) MUST_CHECK;
void field_copy(const struct field_table *t, void *dst, const void *src);
/* Frees what *obj owns and zeroes it. */
void field_release(const struct field_table *t, void *obj);
/* "name=value name=value", safe for a log line. */
void field_print(const struct field_table *t, const void *obj,
	struct strbuf *out);
/* A section of docs/WIRE.md. */
void field_print_markdown(const struct field_table *t, struct strbuf *out);

/* For the declarations: FIELD(struct event, repository, FIELD_STR, 255,
 * FIELD_REQUIRED, "Full name without the registry host.") */
#define FIELD(type_, member, ftype, max_, flags_, help_) \
	{ \
		.name = #member, .type = (ftype), \
		.offset = offsetof(type_, member), .max = (max_), \
		.flags = (flags_), .help = (help_) \
	}
#define FIELD_OF(type_, member, table_, flags_, help_) \
	{ \
		.name = #member, .type = FIELD_SUB, \
		.offset = offsetof(type_, member), .flags = (flags_), \
		.sub = (table_), .help = (help_) \
	}

#endif
