/*
 * The table behind egress.c: which addresses are not public unicast, with the
 * document that says so, and which IPv6 addresses carry an IPv4 one. Pure.
 */
#ifndef DEPLOYER_EGRESS_RANGE_H
#define DEPLOYER_EGRESS_RANGE_H

#include "proto/base/base.h"

/* An address as bytes, 4 or 16; a mapped IPv4 address is made one of 4. */
struct egress_ip {
	unsigned char b[16];
	size_t n;
};

/* Are the first bits of both the same? */
bool egress_ip_within(const struct egress_ip *ip, const unsigned char *net,
	size_t n, unsigned bits);
/* The name of the range that keeps it from being public; NULL: public. */
const char *egress_range_name(const struct egress_ip *ip);
/* A cloud's metadata service, or what else must not be opened by a range. */
bool egress_range_metadata(const struct egress_ip *ip);
/* The IPv4 addresses that an IPv6 one leads to (translation, tunnels): how
 * many, at most 2. */
size_t egress_range_embedded(const struct egress_ip *ip,
	struct egress_ip out[2]);

#endif
