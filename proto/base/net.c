#include "proto/base/net.h"

#include <arpa/inet.h>

#define MAPPED 12 /* bytes of ::ffff:0:0/96 */

static bool is_mapped(const unsigned char b[16])
{
	static const unsigned char prefix[MAPPED] = {
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	return memcmp(b, prefix, MAPPED) == 0;
}

int net_parse_ip(struct str text, struct net_ip *out)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.n >= sizeof(copy) || memchr(text.p, '\0', text.n))
		return -1;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	memset(out, 0, sizeof(*out));
	out->n = 4;
	if (inet_pton(AF_INET, copy, out->b) == 1)
		return 0;
	out->n = 16;
	if (inet_pton(AF_INET6, copy, out->b) != 1)
		return -1;
	if (is_mapped(out->b)) {
		memmove(out->b, out->b + MAPPED, 4);
		memset(out->b + 4, 0, 12);
		out->n = 4;
	}
	return 0;
}

/* The first bits of both are the same. */
static bool same_prefix(const unsigned char *a, const unsigned char *b,
	unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

int net_parse_block(struct str text, struct net_block *out)
{
	size_t slash = str_find(text, '/');
	struct str rest = str_cut(text, slash + 1, text.n);
	struct net_ip first = {{0}, 0};
	int64_t bits;

	if (net_parse_ip(str_cut(text, 0, slash), &out->ip) < 0)
		return -1;
	out->bits = (unsigned)(out->ip.n * 8);
	if (slash == text.n)
		return 0;
	if (rest.n > 3 || str_to_i64(rest, &bits) < 0 || bits < 0)
		return -1;
	/* ::ffff:10.0.0.0/104 speaks of the IPv6 form. */
	if (out->ip.n == 4 && memchr(text.p, ':', slash))
		bits -= 8 * MAPPED;
	if (bits < 0 || bits > (int64_t)out->bits)
		return -1;
	out->bits = (unsigned)bits;
	for (unsigned i = 0; i < out->bits; i++)
		first.b[i / 8] |= (unsigned char)(out->ip.b[i / 8] &
			(0x80 >> i % 8));
	return memcmp(first.b, out->ip.b, sizeof(first.b)) == 0 ? 0 : -1;
}

bool net_within(const struct net_ip *ip, const struct net_block *block)
{
	return ip->n == block->ip.n &&
		same_prefix(ip->b, block->ip.b, block->bits);
}
