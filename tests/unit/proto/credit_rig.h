/* What the tests of credit share: limits as they come, one peer that serves. */
#ifndef TESTS_UNIT_PROTO_CREDIT_RIG_H
#define TESTS_UNIT_PROTO_CREDIT_RIG_H

#include "proto/daemon/credit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const struct credit_limits defaults;
static const char *const web[] = {"web"};

static inline struct credit *one_peer(int64_t granted)
{
	struct credit *c = credit_new(&defaults);

	credit_peer_up(c, 1, "a", NULL, 0, 0);
	credit_peer_granted(c, 1, granted);
	return c;
}

#endif
