/*
 * The names of containers that one deploy has taken (docker_self.h), so that
 * two targets which are the same container do not meet.
 */
#ifndef DEPLOYER_DOCKER_CLAIMS_H
#define DEPLOYER_DOCKER_CLAIMS_H

#include "proto/base/err.h"
#include "proto/base/str.h"
#include "proto/base/vec.h"

struct docker_claims { /* {.endpoint}: none yet */
	const char *endpoint; /* borrowed */
	VEC(char *) names;    /* owned */
};

/* Takes a name; once more is all right. -1, a RETRY: another deploy has it. */
int docker_claims_take(struct docker_claims *c, struct str name,
	struct err *err);
void docker_claims_release(struct docker_claims *c); /* all of them */

#endif
