/*
 * A message is declared once, as a table of fields; this one walker packs,
 * unpacks, prints, checks and frees it. On the wire a message is a msgpack
 * map from field name to value: a reader skips names it does not know, so
 * fields may be added; absent optional fields read as NULL, 0 or false, and
 * such values are not sent. Only file with msgpack.h (it packs; what comes
 * from outside is read by cursor.h, which cannot be made to allocate).
 */
#ifndef PROTO_MSG_FIELD_H
#define PROTO_MSG_FIELD_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

enum field_type {
	FIELD_STR,  /* char *: NULL or NUL-terminated UTF-8, no NUL inside */
	FIELD_JSON, /* char *: as FIELD_STR; one JSON value, not parsed here */
	FIELD_I64,  /* int64_t */
	FIELD_BOOL, /* bool */
	FIELD_STRS, /* struct field_strs */
	FIELD_I64S, /* struct field_i64s */
	FIELD_SUB,  /* a struct of table sub, in place */
};

#define FIELD_REQUIRED 1u /* neither side goes without it (STR: nor empty) */

#define FIELD_MAX_FIELDS 64   /* in a table */
#define FIELD_MAX_DEPTH 15    /* 16 with the envelope around it */
#define FIELD_MAX_ELEMENT 1024 /* bytes, of each text in a FIELD_STRS */

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

/* Appends the packed map. What the other end would refuse (a text over its
 * limit or not UTF-8, a required field left out) is refused here, naming
 * TABLE.FIELD. 0, or -1 with *out as it was. */
int field_pack(const struct field_table *t, const void *obj,
	struct strbuf *out, struct err *err) MUST_CHECK;
/*
 * Fills a zeroed *obj from exactly these bytes. Counts are checked against
 * the bytes that remain before anything is allocated; nesting is bounded;
 * leftover bytes, a field given twice and wrong types are refused, naming
 * TABLE.FIELD. On -1 *obj is released and zero.
 */
int field_unpack(const struct field_table *t, struct str bytes, void *obj,
	struct err *err) MUST_CHECK;
/* Makes *obj fit its table: texts are repaired to UTF-8 and cut at their
 * limit, JSON over its limit is left out, arrays are cut. For what is built
 * from foreign text and must not fail to be sent. */
void field_fit(const struct field_table *t, void *obj);
/* Overwrites *dst with a deep copy. */
void field_copy(const struct field_table *t, void *dst, const void *src);
/* Frees what *obj owns and zeroes it. */
void field_release(const struct field_table *t, void *obj);
/* p, the field's value, is not NULL, 0, false or an empty array. */
bool field_is_set(const struct field *f, const void *p);
/* "name=value name=value" of what is set, safe for a log line; long texts
 * are cut. */
void field_print(const struct field_table *t, const void *obj,
	struct strbuf *out);
/* A section of docs/WIRE.md. */
void field_print_markdown(const struct field_table *t, struct strbuf *out);

/* One value of the envelope, which is not a map (msg.c). */
void field_put_array(struct strbuf *out, size_t n); /* n values follow */
void field_put_str(struct strbuf *out, struct str s);
void field_put_i64(struct strbuf *out, int64_t v);

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
