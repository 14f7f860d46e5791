#include "deployer/http/egress_range.h"

#include <arpa/inet.h>

struct range {
	const char *net;
	unsigned bits;
	const char *name;
};

/* The first that fits names it: smaller ranges before those around them. */
static const struct range v4_ranges[] = {
	{"0.0.0.0", 8, "this host or network, RFC 1122"},
	{"10.0.0.0", 8, "private, RFC 1918"},
	{"100.100.100.200", 32, "a cloud's metadata service"},
	{"100.64.0.0", 10, "carrier-grade NAT, RFC 6598"},
	{"127.0.0.0", 8, "loopback, RFC 1122"},
	{"168.63.129.16", 32, "a cloud's platform service"},
	{"169.254.169.254", 32, "a cloud's metadata service"},
	{"169.254.170.2", 32, "a cloud's metadata service"},
	{"169.254.0.0", 16, "link-local, RFC 3927"},
	{"172.16.0.0", 12, "private, RFC 1918"},
	{"192.0.0.192", 32, "a cloud's metadata service"},
	{"192.0.0.0", 24, "protocol assignments, RFC 6890"},
	{"192.0.2.0", 24, "documentation, RFC 5737"},
	{"192.88.99.0", 24, "6to4 relays, RFC 7526"},
	{"192.168.0.0", 16, "private, RFC 1918"},
	{"198.18.0.0", 15, "benchmarking, RFC 2544"},
	{"198.51.100.0", 24, "documentation, RFC 5737"},
	{"203.0.113.0", 24, "documentation, RFC 5737"},
	{"224.0.0.0", 4, "multicast, RFC 5771"},
	{"255.255.255.255", 32, "broadcast, RFC 919"},
	{"240.0.0.0", 4, "reserved, RFC 1112"},
};

static const struct range v6_ranges[] = {
	{"::", 128, "unspecified, RFC 4291"},
	{"::1", 128, "loopback, RFC 4291"},
	{"::", 96, "IPv4-compatible, RFC 4291"},
	{"::ffff:0:0:0", 96, "IPv4-translated, RFC 2765"},
	{"64:ff9b::", 96, "NAT64, RFC 6052"},
	{"64:ff9b:1::", 48, "local-use NAT64, RFC 8215"},
	{"100::", 64, "discard-only, RFC 6666"},
	{"100:0:0:1::", 64, "dummy prefix, RFC 9780"},
	{"2001::", 32, "Teredo, RFC 4380"},
	{"2001:2::", 48, "benchmarking, RFC 5180"},
	{"2001:10::", 28, "ORCHID, RFC 4843"},
	{"2001:20::", 28, "ORCHIDv2, RFC 7343"},
	{"2001::", 23, "protocol assignments, RFC 2928"},
	{"2001:db8::", 32, "documentation, RFC 3849"},
	{"2002::", 16, "6to4, RFC 3056"},
	{"3fff::", 20, "documentation, RFC 9637"},
	{"5f00::", 16, "segment routing, RFC 9602"},
	{"fd00:ec2::254", 128, "a cloud's metadata service"},
	{"fd00:ec2::23", 128, "a cloud's metadata service"},
	{"fd20:ce::254", 128, "a cloud's metadata service"},
	{"fc00::", 7, "unique local, RFC 4193"},
	{"fe80::", 10, "link-local, RFC 4291"},
	{"fec0::", 10, "site-local, RFC 3879"},
	{"ff00::", 8, "multicast, RFC 4291"},
};

/* Beyond the ranges' own names: also opened one by one only. */
static const char *const metadata[] = {
	"100.100.100.200", "168.63.129.16", "169.254.169.123",
	"169.254.169.253", "169.254.169.254", "169.254.170.2",
	"169.254.170.23", "192.0.0.192",
};
static const char *const metadata6[] = {
	"fd00:ec2::23", "fd00:ec2::123", "fd00:ec2::253", "fd00:ec2::254",
	"fd20:ce::254",
};

bool egress_ip_within(const struct egress_ip *ip, const unsigned char *net,
	size_t n, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (ip->n != n || memcmp(ip->b, net, whole) != 0)
		return false;
	return rest == 0 || ((ip->b[whole] ^ net[whole]) >> (8 - rest)) == 0;
}

static bool within_text(const struct egress_ip *ip, const char *net,
	unsigned bits)
{
	unsigned char b[16];

	if (inet_pton(ip->n == 4 ? AF_INET : AF_INET6, net, b) != 1)
		BUG("%s is no address", net);
	return egress_ip_within(ip, b, ip->n, bits);
}

const char *egress_range_name(const struct egress_ip *ip)
{
	const struct range *r = ip->n == 4 ? v4_ranges : v6_ranges;
	size_t n = ip->n == 4 ? ARRAY_LEN(v4_ranges) : ARRAY_LEN(v6_ranges);

	for (size_t i = 0; i < n; i++)
		if (within_text(ip, r[i].net, r[i].bits))
			return r[i].name;
	/* Only 2000::/3 is given out as global unicast. */
	if (ip->n == 16 && !within_text(ip, "2000::", 3))
		return "not assigned, RFC 4291";
	return NULL;
}

bool egress_range_metadata(const struct egress_ip *ip)
{
	bool v4 = ip->n == 4;
	const char *const *list = v4 ? metadata : metadata6;
	size_t n = v4 ? ARRAY_LEN(metadata) : ARRAY_LEN(metadata6);

	for (size_t i = 0; i < n; i++)
		if (within_text(ip, list[i], v4 ? 32 : 128))
			return true;
	return false;
}

static void take(struct egress_ip *out, const unsigned char *p)
{
	out->n = 4;
	memcpy(out->b, p, 4);
}

size_t egress_range_embedded(const struct egress_ip *ip,
	struct egress_ip out[2])
{
	const unsigned char *b = ip->b;

	if (ip->n == 4 || within_text(ip, "::", 127)) /* :: and ::1 */
		return 0;
	if (within_text(ip, "64:ff9b::", 96) || within_text(ip, "::", 96) ||
		within_text(ip, "::ffff:0:0:0", 96)) {
		take(out, b + 12);
		return 1;
	}
	if (within_text(ip, "2002::", 16)) {
		take(out, b + 2);
		return 1;
	}
	if (within_text(ip, "64:ff9b:1::", 48)) {
		/* RFC 6052, 2.2: byte 8 is left out of a /48; or, where the
		 * operator has longer prefixes in it, the last four. */
		unsigned char v4[4] = {b[6], b[7], b[9], b[10]};

		take(out, v4);
		take(out + 1, b + 12);
		return 2;
	}
	if (within_text(ip, "2001::", 32)) {
		/* RFC 4380, 4: the server, and the client with all bits
		 * turned. */
		unsigned char client[4];

		for (size_t i = 0; i < 4; i++)
			client[i] = (unsigned char)~b[12 + i];
		take(out, b + 4);
		take(out + 1, client);
		return 2;
	}
	return 0;
}
