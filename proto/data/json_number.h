/*
 * The text of a JSON number (RFC 8259 section 6). A number is its text here:
 * a double would lose the digits of a large integer. Pure.
 */
#ifndef PROTO_DATA_JSON_NUMBER_H
#define PROTO_DATA_JSON_NUMBER_H

#include "proto/base/str.h"

/* Bytes of the number that s starts with; 0 when it starts with none. */
size_t json_number_span(struct str s);
/* An integer of at most 15 digits: a double holds it exactly, and printed
 * without a fraction it is this text again. */
bool json_number_plain(struct str number);
/* Its value if that is an integer of 64 bits, however spelled (1e3, 2.0);
 * 0 or -1. */
int json_number_i64(struct str number, int64_t *out);
/* Same value, exactly: 1e3 is 1000, -0 is 0. */
bool json_number_equal(struct str a, struct str b);

#endif
