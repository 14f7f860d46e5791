/*
 * Which addresses a trigger URL may lead to, judged by the address that is
 * really connected to: asked for each address of each attempt, after every
 * name and spelling has become one. Pure.
 *
 * Refused unless `allow_private` names it with its port: everything that is
 * no public unicast address (IANA's special-purpose registries, RFC 6890, and
 * the clouds' metadata services). What is not classified is refused. An IPv6
 * address that carries an IPv4 one is judged by both. A metadata service is
 * opened by its exact address only, never by a range.
 *
 * Our own listeners are refused whatever is allowed: a post to ourselves
 * would be a push again.
 */
#ifndef DEPLOYER_EGRESS_H
#define DEPLOYER_EGRESS_H

#include <netinet/in.h>

#include "proto/data/conf.h"

struct egress;

enum egress_verdict {
	EGRESS_OPEN,
	EGRESS_BLOCKED, /* the row blocked_address */
	EGRESS_LOOP,    /* the row loop_blocked */
};

/* Faults of allow_private and proxy to errs; conf may have others. */
void egress_check_conf(const struct conf *conf, struct opt_errors *errs);

/* conf has passed the check; it is not kept. */
struct egress *egress_new(const struct conf *conf);
void egress_free(struct egress *e); /* NULL is fine */

/* *err gets the sentence when it is not open. */
enum egress_verdict egress_judge(const struct egress *e,
	const struct sockaddr *addr, struct err *err);

/* Why the address is not public ("private, RFC 1918"); NULL when it is. */
const char *egress_special(const struct sockaddr *addr);

#endif
