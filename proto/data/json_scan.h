/*
 * The strict scan itself, with what the tree needs to know beyond cJSON: the
 * texts of the numbers that a double would not give back. Not recursive, pure.
 */
#ifndef PROTO_DATA_JSON_SCAN_H
#define PROTO_DATA_JSON_SCAN_H

#include "proto/base/vec.h"
#include "proto/data/json.h"

/* A number that is not json_number_plain(): the ordinal-th of the text. */
struct json_number {
	size_t ordinal;
	struct str text; /* borrowed from the scanned text */
};

struct json_numbers {
	VEC(struct json_number) list;
};

/* As json_scan(); numbers may be NULL. The caller releases the list. */
int json_scan_numbers(struct str text, const struct json_limits *limits,
	struct json_numbers *numbers, struct err *err);

#endif
