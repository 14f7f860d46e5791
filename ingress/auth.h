/*
 * Is the sender who it should be? Looks at the raw request, before anything
 * is parsed. Each method that the source configures must hold, by any of its
 * secrets (there are several during rotation), and the sender's address must
 * be one that the source allows. A source without a method, a disabled one
 * and an unknown one (NULL) are refused.
 *
 * Every call does the work of each method that any source of the
 * configuration uses, decoys filling up what this source does not have, and
 * chooses what to say without a jump, so that the time does not tell which
 * source exists or how it is protected (tests/bench/auth_time.c).
 * The address is looked at last, when all else holds.
 *
 * Adding a method: a struct auth_method (auth_method.h), and its row here.
 */
#ifndef INGRESS_AUTH_H
#define INGRESS_AUTH_H

#include "ingress/request.h"
#include "proto/base/err.h"

struct auth;
struct conf;
struct conf_source;

/* conf is borrowed for its life. Warns of each source that asks for nothing. */
struct auth *auth_new(const struct conf *conf);
void auth_free(struct auth *a);
/* 0, or -1 with the sentence for the access log (it holds no secret).
 * address: of the sender, as text. now: wall ms. Any thread. */
int auth_check(const struct auth *a, const struct conf_source *source,
	const struct request *req, const char *address, int64_t now,
	struct err *err);

#endif
