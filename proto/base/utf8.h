/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.
 */
#ifndef PROTO_BASE_UTF8_H
#define PROTO_BASE_UTF8_H

#include "proto/base/str.h"

/* Bytes of the character that s starts with, 1..4; 0 when it is malformed or
 * s is empty. NUL is a character here. */
size_t utf8_step(struct str s);
/* The longest part of s, from its start, that is well-formed and not longer
 * than max bytes. */
size_t utf8_prefix(struct str s, size_t max);

#endif
