#include "ingress/auth.h"

#include "ingress/auth_method.h"
#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/net.h"

static const struct auth_method *const methods[] = {
	&auth_bearer, &auth_url_token, &auth_basic, &auth_header, &auth_hmac,
	&auth_standard_webhooks, &auth_client_cert,
};

struct auth {
	struct secret decoy;
	bool used[ARRAY_LEN(methods)]; /* by any source */
	unsigned hashes;
};

static void note_source(struct auth *a, const struct conf_source *s)
{
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		a->used[i] |= methods[i]->used(&s->auth);
	if (s->auth.hmac.header)
		a->hashes |= 1u << s->auth.hmac.algorithm;
	if (s->auth.none && s->enabled)
		log_warn(NULL, "source %s has `auth: {none: true}`: anyone "
			"who reaches this port%s may post there",
			s->name, s->allow.n ? " from an allowed address" : "");
}

struct auth *auth_new(const struct conf *conf)
{
	struct auth *a = xcalloc(1, sizeof(*a));
	unsigned char bytes[32];
	char hex[2 * sizeof(bytes) + 1];

	enc_random(bytes, sizeof(bytes));
	enc_hex(bytes, sizeof(bytes), hex);
	secret_set(&a->decoy, str_from(hex));
	CONF_EACH(conf->sources, const struct conf_source, s)
		note_source(a, s);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	secret_release(&a->decoy);
	free(a);
}

static bool is_allowed(const struct opt_strs *allow, const char *address)
{
	struct net_block block;
	struct net_ip ip;

	if (allow->n == 0)
		return true;
	if (net_parse_ip(str_from(address), &ip) < 0)
		return false;
	for (size_t i = 0; i < allow->n; i++)
		if (!net_parse_block(str_from(allow->v[i]), &block) &&
			net_within(&ip, &block))
			return true;
	return false;
}

/* What the source says about a sender whose proofs are looked through. */
static int judge(const struct conf_source *source, size_t given,
	const char *fault, const char *address, struct err *err)
{
	if (!source)
		return err_fail(err, "no source of this name is configured");
	if (!source->enabled)
		return err_fail(err, "the source is disabled");
	if (!given && !source->auth.none)
		return err_fail(err, "no secret is configured for the source");
	if (fault)
		return err_fail(err, "%s", fault);
	if (!is_allowed(&source->allow, address))
		return err_fail(err, "the sender's address %s is not among "
			"those that the source allows", address);
	return 0;
}

int auth_check(const struct auth *a, const struct conf_source *source,
	const struct request *req, const char *address, int64_t now,
	struct err *err)
{
	struct auth_ask ask = {req, source ? &source->auth : NULL, &a->decoy,
		a->hashes, now};
	const char *fault = NULL;
	size_t given = 0;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		bool sent = false, holds;

		if (!a->used[i])
			continue;
		holds = methods[i]->holds(&ask, &sent);
		if (!source || !methods[i]->used(&source->auth))
			continue;
		given++;
		if (!holds && !fault)
			fault = sent ? methods[i]->wrong : methods[i]->missing;
	}
	return judge(source, given, fault, address, err);
}
