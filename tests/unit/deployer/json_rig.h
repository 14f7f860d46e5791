/* What tests of JSON share: a text that has to be some. */
#ifndef TESTS_UNIT_DEPLOYER_JSON_RIG_H
#define TESTS_UNIT_DEPLOYER_JSON_RIG_H

#include "proto/data/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Owned. */
static inline struct json *parse(const char *text)
{
	struct err err = {0};
	struct json *j = json_parse(str_from(text), NULL, &err);

	if (!j)
		fail_msg("%s in %s", err.text, text);
	return j;
}

#endif
