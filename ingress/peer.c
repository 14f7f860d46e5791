#include "ingress/peer.h"

#include <strings.h>

#include "proto/base/net.h"

static bool is_trusted(const struct opt_strs *trusted, struct str address)
{
	struct net_block block;
	struct net_ip ip;

	if (net_parse_ip(address, &ip) < 0)
		return false;
	for (size_t i = 0; i < trusted->n; i++)
		if (!net_parse_block(str_from(trusted->v[i]), &block) &&
			net_within(&ip, &block))
			return true;
	return false;
}

/* The last entry of a list, taken off it; "" when nothing is left. */
static struct str take_last(struct str *list)
{
	size_t start = list->n;
	struct str last;

	while (start > 0 && list->p[start - 1] != ',')
		start--;
	last = str_trim(str_cut(*list, start, list->n));
	list->n = start > 0 ? start - 1 : 0;
	return last;
}

void peer_resolve(const struct opt_strs *trusted, const char *peer,
	const char *const *forwarded, size_t n, char out[PEER_LEN])
{
	struct net_ip ip;

	snprintf(out, PEER_LEN, "%s", peer);
	for (size_t i = n; i-- > 0;) {
		struct str list = str_from(forwarded[i]);

		do {
			struct str entry;

			if (!is_trusted(trusted, str_from(out)))
				return;
			entry = take_last(&list);
			/* What is no address was not written by a proxy. */
			if (net_parse_ip(entry, &ip) < 0)
				return;
			snprintf(out, PEER_LEN, "%.*s", (int)entry.n, entry.p);
		} while (list.n > 0);
	}
}

void peer_of_request(const struct opt_strs *trusted,
	const struct http_request *req, char out[PEER_LEN])
{
	const char *name, *value, *values[8];
	size_t n = 0;

	for (size_t i = 0; http_request_header_at(req, i, &name, &value); i++) {
		if (strcasecmp(name, "X-Forwarded-For") != 0)
			continue;
		/* The nearest proxy's are the last. */
		if (n == ARRAY_LEN(values))
			memmove(values, values + 1, --n * sizeof(*values));
		values[n++] = value;
	}
	peer_resolve(trusted, http_request_peer(req), values, n, out);
}
