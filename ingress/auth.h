/*
 * Is the sender who it should be? Looks at the raw request, before anything
 * is parsed. Each method that the source configures must hold, by any of its
 * secrets (there are several during rotation). A source without a secret, a
 * disabled one and an unknown one (NULL) are refused.
 *
 * The answer takes the same work for each of these, so that the time does not
 * tell which source exists: every call compares at least AUTH_SLOTS secrets
 * per method, decoys filling up what the source does not have.
 *
 * Adding a method: one row in methods[] of auth.c (where the candidate is
 * found, which secrets count).
 */
#ifndef INGRESS_AUTH_H
#define INGRESS_AUTH_H

#include "ingress/request.h"
#include "proto/data/conf.h"

#define AUTH_SLOTS 4

/* Draws the decoy secret; once, before auth_check(). */
void auth_init(void);
/* 0, or -1 with the sentence for the access log (it holds no secret). */
int auth_check(const struct conf_source *source, const struct request *req,
	struct err *err);

#endif
