/*
 * The configuration's addresses, judged as a start would, as far as that takes
 * no look at the machine: where is listened, and links that are neither local
 * nor protected by keys. A configuration's check, for conf_load_checked().
 */
#ifndef PROTO_DAEMON_ADDRESSES_H
#define PROTO_DAEMON_ADDRESSES_H

#include "proto/data/conf.h"

/* Those that the role ("ingress" ...) uses; NULL: all. Each fault once. */
void addresses_check(const struct conf *conf, const char *role,
	struct opt_errors *errs);

#endif
