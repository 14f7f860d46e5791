/*
 * Settings are tables: key, type, default, limits and the sentence that the
 * manual prints. One reader fills a struct from a YAML map and reports every
 * fault with its file:line, unknown keys included (with the nearest known
 * key). ${VAR} and ${VAR:-default} are expanded in scalars; $$ is a dollar.
 * A secret key K also takes K_file.
 */
#ifndef PROTO_DATA_OPT_H
#define PROTO_DATA_OPT_H

#include "proto/base/secret.h"
#include "proto/base/vec.h"
#include "proto/data/yaml.h"

struct opt_errors;
struct opt_table;

enum opt_type {
	OPT_STR,      /* char *, owned; NULL when absent */
	OPT_BOOL,     /* bool: true false yes no on off */
	OPT_INT,      /* int64_t in [min, max] */
	OPT_DURATION, /* int64_t ms in [min, max] */
	OPT_SIZE,     /* int64_t bytes in [min, max] */
	OPT_ENUM,     /* int: index into words */
	OPT_STRS,     /* struct opt_strs: list, or a single scalar */
	OPT_SECRET,   /* struct secret */
	OPT_SECRETS,  /* struct opt_secrets: list or scalar; with K_file likewise */
	OPT_SUB,      /* struct of table sub, in place */
	OPT_LIST,     /* struct opt_list of structs of table sub; each item of
			 the file gets its struct, in order, faulty or not */
};

#define OPT_REQUIRED 1u
#define OPT_RELOAD 2u  /* a reload takes it */
#define OPT_FILE_ONLY 4u /* cannot be a container's label */
#define OPT_NAMED 8u /* `Name: value` each, the value perhaps a secret */
#define OPT_RESTART 0u /* a change needs a restart */

struct opt_strs {
	char **v;
	size_t n;
};

struct opt_secrets {
	struct secret *v;
	size_t n;
};

struct opt_list {
	void *v; /* n structs of sub->size bytes */
	size_t n;
};

/* Where a struct came from: first member of every table's struct, so that
 * later checks can name it. */
struct opt_where {
	const char *file; /* owned by the struct conf */
	size_t line;      /* 0: not in the file */
};

struct opt {
	const char *key;
	enum opt_type type;
	size_t offset;
	const char *def; /* as it would stand in the file; NULL: none */
	int64_t min, max; /* INT DURATION SIZE; STR: max bytes; STRS: elements */
	const char *const *words; /* ENUM, NULL at the end */
	const struct opt_table *sub;
	unsigned flags;
	const char *help;
};

struct opt_table {
	const char *name;
	const char *help;
	size_t size;
	const struct opt *opts;
	size_t n;
	/* What no single key can say ("tags and expression exclude each
	 * other"); adds to errs. May be NULL. */
	void (*check)(void *obj, struct opt_errors *errs);
};

/* Faults in the order of the file; each text is "FILE:LINE: sentence". */
struct opt_errors {
	VEC(char *) list;
};

void opt_error(struct opt_errors *errs, const char *file, size_t line,
	const char *fmt, ...) PRINTF_LIKE(4, 5);
void opt_errors_sort(struct opt_errors *errs); /* by file, then line */
void opt_errors_release(struct opt_errors *errs);

/* The nearest of the words to a mistyped one, or NULL; for "did you mean". */
const char *opt_nearest(const char *typed, const char *const *words, size_t n);

/* Zeroed *obj is filled, defaults included; false when errs grew. */
bool opt_read(const struct opt_table *t, const struct yaml *map, void *obj,
	struct opt_errors *errs);
/* Frees what *obj owns, secrets wiped, and zeroes it. */
void opt_release(const struct opt_table *t, void *obj);
/* "KEY: value" for each key that is not at its default, a line each, as one
 * would write it but for secrets, which are ***. A section's keys are told as
 * SECTION.KEY. Before each line stands `before`; keys that are in but, which
 * ends with NULL, are left out. */
void opt_print_said(const struct opt_table *t, const void *obj,
	const char *const *but, const char *before, struct strbuf *out);
/* A section of docs/CONFIG.md. */
void opt_print_markdown(const struct opt_table *t, struct strbuf *out);

#endif
