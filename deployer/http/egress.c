#include "deployer/http/egress.h"

#include <arpa/inet.h>
#include <ifaddrs.h>

#include "deployer/http/egress_range.h"
#include "proto/base/mem.h"

/* One entry of allow_private. */
struct rule {
	unsigned char net[16];
	size_t n; /* 4 or 16 of its bytes are used */
	unsigned bits;
	int low, high; /* ports */
};

/* One of our own listeners. */
struct own {
	struct egress_ip ip;
	bool any; /* every address of this machine */
	int port;
};

struct egress {
	VEC(struct rule) rules;
	VEC(struct own) own;
};

/* ---- the configuration --------------------------------------------------- */

static int parse_number(struct str s, int64_t low, int64_t high, int *out)
{
	int64_t n;

	if (s.n == 0 || s.p[0] < '0' || s.p[0] > '9' ||
		str_to_i64(s, &n) < 0 || n < low || n > high)
		return -1;
	*out = (int)n;
	return 0;
}

static int parse_ports(struct str s, struct rule *r)
{
	size_t dash = str_find(s, '-');

	if (parse_number(str_cut(s, 0, dash), 1, 65535, &r->low) < 0)
		return -1;
	r->high = r->low;
	if (dash < s.n && parse_number(str_cut(s, dash + 1, s.n), r->low,
				  65535, &r->high) < 0)
		return -1;
	return 0;
}

/* "10.0.0.0/8"; -1 also when bits beyond the prefix are set, and for a mapped
 * IPv4 network: that is judged as IPv4, so it is written so. */
static int parse_net(struct str s, bool v6, struct rule *r)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];
	size_t slash = str_find(s, '/');
	int bits;

	r->n = v6 ? 16 : 4;
	snprintf(text, sizeof(text), "%.*s", (int)slash, s.p);
	if (slash >= sizeof(text) ||
		inet_pton(v6 ? AF_INET6 : AF_INET, text, r->net) != 1 ||
		parse_number(str_cut(s, slash + 1, s.n), 0, (int64_t)r->n * 8,
			&bits) < 0)
		return -1;
	r->bits = (unsigned)bits;
	for (unsigned i = r->bits; i < r->n * 8; i++)
		if (r->net[i / 8] & (0x80 >> (i % 8)))
			return -1;
	return v6 && r->bits >= 96 && memcmp(r->net, mapped, 12) == 0 ? -1 : 0;
}

/* "CIDR:PORT", "[CIDR]:PORT" */
static int parse_rule(const char *entry, struct rule *r)
{
	struct str s = str_from(entry), net;
	size_t end;
	bool v6 = s.n && s.p[0] == '[';

	*r = (struct rule){0};
	end = str_find(s, v6 ? ']' : ':');
	net = str_cut(s, v6 ? 1 : 0, end);
	s = str_cut(s, v6 ? end + 1 : end, s.n);
	if (s.n < 2 || s.p[0] != ':')
		return -1;
	return parse_net(net, v6, r) < 0
		? -1
		: parse_ports(str_cut(s, 1, s.n), r);
}

static void check_proxy(const struct conf_deployer *d, struct opt_errors *errs)
{
	struct err err = {0};
	struct url url;

	if (url_parse(str_from(d->proxy), &url, &err) < 0)
		opt_error(errs, d->where.file, d->where.line, "proxy: %s",
			err.text);
	else if (url.https || !str_is(url.path_query, "/"))
		opt_error(errs, d->where.file, d->where.line,
			"proxy: `%s` is not http://HOST:PORT", d->proxy);
}

void egress_check_conf(const struct conf *conf, struct opt_errors *errs)
{
	const struct conf_deployer *d = &conf->deployer;
	struct rule rule;

	if (d->proxy)
		check_proxy(d, errs);

	for (size_t i = 0; i < d->allow_private.n; i++)
		if (parse_rule(d->allow_private.v[i], &rule) < 0)
			opt_error(errs, d->where.file, d->where.line,
				"allow_private: `%s` is no network with its "
				"port; write 10.1.2.0/24:8080, a range of "
				"ports as 8000-8999, IPv6 as [fd00::/64]:8080",
				d->allow_private.v[i]);
}

/* ---- addresses ----------------------------------------------------------- */

static bool ip_from(const struct sockaddr *a, struct egress_ip *ip, int *port)
{
	const struct sockaddr_in *v4 = (const void *)a;
	const struct sockaddr_in6 *v6 = (const void *)a;

	memset(ip, 0, sizeof(*ip));
	if (a->sa_family == AF_INET) {
		ip->n = 4;
		memcpy(ip->b, &v4->sin_addr, 4);
		*port = ntohs(v4->sin_port);
		return true;
	}
	if (a->sa_family != AF_INET6)
		return false;
	*port = ntohs(v6->sin6_port);
	ip->n = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? 4 : 16;
	memcpy(ip->b, v6->sin6_addr.s6_addr + (16 - ip->n), ip->n);
	return true;
}

static const char *ip_text(const struct egress_ip *ip, char *buf, size_t n)
{
	return inet_ntop(ip->n == 4 ? AF_INET : AF_INET6, ip->b, buf,
		       (socklen_t)n)
		? buf
		: "?";
}

/* "127.0.0.1:8080", "[::1]:8080", "*:8080", ":8080" */
static void add_own(struct egress *e, const char *listen)
{
	struct str s = str_from(listen), host;
	size_t colon = s.n;
	struct own own = {0};
	char text[INET6_ADDRSTRLEN];
	static const unsigned char zero[16];

	while (colon > 0 && s.p[colon - 1] != ':')
		colon--;
	if (colon == 0 || parse_number(str_cut(s, colon, s.n), 1, 65535,
				  &own.port) < 0)
		return;
	host = str_cut(s, 0, colon - 1);
	if (host.n >= 2 && host.p[0] == '[')
		host = str_cut(host, 1, host.n - 1);
	snprintf(text, sizeof(text), "%.*s", (int)host.n, host.p);
	own.ip.n = strchr(text, ':') ? 16 : 4;
	/* A name is resolved elsewhere: here it may be any address. */
	own.any = inet_pton(own.ip.n == 4 ? AF_INET : AF_INET6, text,
			  own.ip.b) != 1 ||
		memcmp(own.ip.b, zero, own.ip.n) == 0;
	VEC_PUSH(&e->own, own);
}

struct egress *egress_new(const struct conf *conf)
{
	struct egress *e = xcalloc(1, sizeof(*e));
	const struct opt_strs *allow = &conf->deployer.allow_private;
	struct rule rule;

	for (size_t i = 0; i < allow->n; i++)
		if (parse_rule(allow->v[i], &rule) == 0)
			VEC_PUSH(&e->rules, rule);
	add_own(e, conf->ingress.http);
	add_own(e, conf->logger.http);
	return e;
}

void egress_free(struct egress *e)
{
	if (!e)
		return;
	VEC_RELEASE(&e->rules);
	VEC_RELEASE(&e->own);
	free(e);
}

/* ---- the judgement ------------------------------------------------------- */

/* An address of this very machine. */
static bool is_ours(const struct egress_ip *ip)
{
	struct ifaddrs *all, *i;
	struct egress_ip other;
	bool ours = false;
	int port;

	if (ip->n == 4 ? ip->b[0] == 127 || ip->b[0] == 0
		       : egress_ip_within(ip, in6addr_loopback.s6_addr, 16,
				 128) ||
			 egress_ip_within(ip, in6addr_any.s6_addr, 16, 128))
		return true;
	if (getifaddrs(&all) < 0)
		return false;
	for (i = all; i && !ours; i = i->ifa_next)
		ours = i->ifa_addr && ip_from(i->ifa_addr, &other, &port) &&
			egress_ip_within(ip, other.b, other.n,
				(unsigned)other.n * 8);
	freeifaddrs(all);
	return ours;
}

static bool is_own_listener(const struct egress *e, const struct egress_ip *ip,
	int port)
{
	for (size_t i = 0; i < e->own.n; i++) {
		const struct own *own = &e->own.v[i];
		/* 0.0.0.0 and :: reach whatever listens here. */
		static const unsigned char zero[16];
		bool any = own->any || memcmp(ip->b, zero, ip->n) == 0;

		if (own->port != port)
			continue;
		if (any ? is_ours(ip)
			: egress_ip_within(ip, own->ip.b, own->ip.n,
				  (unsigned)own->ip.n * 8))
			return true;
	}
	return false;
}

static bool is_allowed(const struct egress *e, const struct egress_ip *ip,
	int port)
{
	struct egress_ip in[2];
	bool open = egress_range_name(ip) == NULL;
	size_t n;

	for (size_t i = 0; i < e->rules.n && !open; i++) {
		const struct rule *r = &e->rules.v[i];

		open = port >= r->low && port <= r->high &&
			egress_ip_within(ip, r->net, r->n, r->bits) &&
			(r->bits == r->n * 8 || !egress_range_metadata(ip));
	}
	n = open ? egress_range_embedded(ip, in) : 0;
	for (size_t i = 0; i < n && open; i++)
		open = is_allowed(e, &in[i], port);
	return open;
}

enum egress_verdict egress_judge(const struct egress *e,
	const struct sockaddr *addr, struct err *err)
{
	struct egress_ip ip;
	char text[INET6_ADDRSTRLEN];
	const char *why;
	int port;

	if (!ip_from(addr, &ip, &port)) {
		err_fail(err, "the URL leads to an address of family %d, "
			      "which is not sent to", addr->sa_family);
		return EGRESS_BLOCKED;
	}
	ip_text(&ip, text, sizeof(text));
	if (is_own_listener(e, &ip, port)) {
		err_fail(err, "the URL leads to Pullwire itself (%s port %d): "
			      "the notification would come back as a push",
			text, port);
		return EGRESS_LOOP;
	}
	if (is_allowed(e, &ip, port))
		return EGRESS_OPEN;
	why = egress_range_name(&ip);
	err_fail(err, "the URL leads to %s, which is not public (%s); if it is "
		      "meant, add `%s%s/%d%s:%d` to the deployer's "
		      "allow_private",
		text, why ? why : "by what it carries", ip.n == 4 ? "" : "[",
		text, ip.n == 4 ? 32 : 128, ip.n == 4 ? "" : "]", port);
	return EGRESS_BLOCKED;
}

const char *egress_special(const struct sockaddr *addr)
{
	struct egress_ip ip;
	int port;

	return ip_from(addr, &ip, &port) ? egress_range_name(&ip)
					 : "of an unknown family";
}
