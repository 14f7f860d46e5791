/*
 * IP addresses and networks (CIDR, RFC 4632 and RFC 4291) as bytes. An IPv4
 * address that is mapped into IPv6 is the IPv4 address. Pure.
 */
#ifndef PROTO_BASE_NET_H
#define PROTO_BASE_NET_H

#include "proto/base/str.h"

struct net_ip {
	unsigned char b[16];
	size_t n; /* 4 or 16 */
};

struct net_block {
	struct net_ip ip;
	unsigned bits;
};

/* "192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1". 0 or -1. */
int net_parse_ip(struct str text, struct net_ip *out);
/* An address, or "10.0.0.0/8"; bits after the prefix must be zero, since
 * 10.1.2.3/8 is more often a slip than meant. 0 or -1. */
int net_parse_block(struct str text, struct net_block *out);
bool net_within(const struct net_ip *ip, const struct net_block *block);

#endif
