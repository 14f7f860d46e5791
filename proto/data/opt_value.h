/*
 * One scalar of the file into one typed member: ${VAR} expansion and parsing.
 * Used by opt.c alone; apart because it knows types, not tables.
 */
#ifndef PROTO_DATA_OPT_VALUE_H
#define PROTO_DATA_OPT_VALUE_H

#include "proto/data/opt.h"

/* The scalar with ${VAR} and ${VAR:-default} expanded and $$ as $; the caller
 * frees it. NULL with the sentence (without file:line) when VAR is not set. */
char *opt_expand(const char *text, struct err *err);

/* Parses text into the member at p, freeing what an earlier value owned. STRS
 * and SECRETS get one more element. 0, or -1 with the sentence. */
int opt_value(const struct opt *o, const char *text, void *p, struct err *err);
/* The same for a secret's file: text is the path. */
int opt_value_file(const struct opt *o, const char *path, void *p,
	struct err *err);
/* Frees what the member owns, zeroes it. */
void opt_value_release(const struct opt *o, void *p);

#endif
