/*
 * The texts between the quotes of JSON strings: escapes read and written.
 * Pure. json_write_str() of json.h lives here too.
 */
#ifndef PROTO_DATA_JSON_TEXT_H
#define PROTO_DATA_JSON_TEXT_H

#include "proto/base/str.h"

/* Bytes of the escape that s starts with (a pair of surrogates is one); 0
 * with *why when it is malformed, half a pair, or stands for NUL. */
size_t json_escape_step(struct str s, const char **why);
/* A scanned string's text without its escapes; the caller frees it. */
char *json_unescape(struct str s, size_t *n) MUST_CHECK;

#endif
