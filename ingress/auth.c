#include "ingress/auth.h"

#include "ingress/auth_method.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/net.h"

static const struct auth_method *const methods[] = {
	&auth_bearer, &auth_url_token, &auth_basic, &auth_header, &auth_hmac,
	&auth_standard_webhooks, &auth_client_cert,
};

/* What a refusal says: the first that is so. */
enum reason {
	UNKNOWN, DISABLED, NO_SECRET,
	METHODS, /* for each method: missing, wrong */
	REASONS = METHODS + 2 * ARRAY_LEN(methods),
	HOLDS = REASONS,
};

#define LINE 64 /* bytes of a cache line, as a rule */
#define SENTENCE (3 * LINE) /* bytes of each, so that all are copied alike */

/* A source as auth_check() sees it; the last one is nobody's. Each lies on as
 * many lines as any other, and so do its digests. */
struct known {
	_Alignas(LINE)
	struct auth_known tokens;
	bool exists, enabled, open;
	bool asks[ARRAY_LEN(methods)];
};

struct auth {
	const struct conf *conf;
	struct known *known;
	struct secret decoy;
	bool used[ARRAY_LEN(methods)]; /* by any source */
	unsigned hashes;
	char (*sentences)[SENTENCE];
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

static void make_known(struct auth *a)
{
	size_t slots[AUTH_TOKENS] = {
		AUTH_SLOTS, AUTH_SLOTS, AUTH_SLOTS, AUTH_SLOTS};
	const struct conf_source *all = a->conf->sources.v;
	size_t n = a->conf->sources.n;

	a->known = xcalloc_large(n + 1, sizeof(*a->known));
	for (size_t i = 0; i < n; i++)
		auth_known_count(&all[i].auth, slots);
	auth_known_init(&a->known[n].tokens, NULL, slots);
	for (size_t i = 0; i < n; i++) {
		struct known *k = &a->known[i];

		auth_known_init(&k->tokens, &all[i].auth, slots);
		k->exists = true;
		k->enabled = all[i].enabled;
		k->open = all[i].auth.none;
		for (size_t m = 0; m < ARRAY_LEN(methods); m++)
			k->asks[m] = methods[m]->used(&all[i].auth);
	}
}

static void write_sentences(struct auth *a)
{
	static const char *const own[METHODS] = {
		[UNKNOWN] = "no source of this name is configured",
		[DISABLED] = "the source is disabled",
		[NO_SECRET] = "no secret is configured for the source",
	};

	a->sentences = xcalloc_large(REASONS, SENTENCE);
	for (int i = 0; i < METHODS; i++)
		snprintf(a->sentences[i], SENTENCE, "%s", own[i]);
	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		snprintf(a->sentences[METHODS + 2 * i], SENTENCE, "%s",
			methods[i]->missing);
		snprintf(a->sentences[METHODS + 2 * i + 1], SENTENCE, "%s",
			methods[i]->wrong);
	}
}

struct auth *auth_new(const struct conf *conf)
{
	struct auth *a = xcalloc(1, sizeof(*a));
	unsigned char bytes[32];
	char hex[2 * sizeof(bytes) + 1];

	enc_random(bytes, sizeof(bytes));
	enc_hex(bytes, sizeof(bytes), hex);
	secret_set(&a->decoy, str_from(hex));
	a->conf = conf;
	CONF_EACH(conf->sources, const struct conf_source, s)
		note_source(a, s);
	make_known(a);
	write_sentences(a);
	return a;
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	for (size_t i = 0; i <= a->conf->sources.n; i++)
		auth_known_release(&a->known[i].tokens);
	free(a->known);
	free(a->sentences);
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

/* Without a jump, whose guess by the processor would be worth some time. */
static size_t pick(bool first, size_t a, size_t b)
{
	size_t mask = (size_t)0 - first;

	return (a & mask) | (b & ~mask);
}

/* Asks each method, in the same way whatever the source is. */
static size_t look(const struct auth *a, const struct known *k,
	const struct auth_ask *ask)
{
	size_t reason = HOLDS, given = 0;

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		bool sent = false, holds;

		if (!a->used[i])
			continue;
		holds = methods[i]->holds(ask, &sent);
		given += k->asks[i];
		reason = pick(k->asks[i] & !holds & (reason == HOLDS),
			METHODS + 2 * i + sent, reason);
	}
	reason = pick((given == 0) & !k->open, NO_SECRET, reason);
	reason = pick(k->enabled, reason, DISABLED);
	return pick(k->exists, reason, UNKNOWN);
}

int auth_check(const struct auth *a, const struct conf_source *source,
	const struct request *req, const char *address, int64_t now,
	struct err *err)
{
	const struct conf_source *all = a->conf->sources.v;
	size_t i = pick(source != NULL, ((uintptr_t)source - (uintptr_t)all) /
			sizeof(*source), a->conf->sources.n);
	const struct known *k = &a->known[i];
	struct auth_ask ask = {req, source ? &source->auth : NULL, &k->tokens,
		&a->decoy, a->hashes, now};
	size_t reason = look(a, k, &ask);

	if (reason == HOLDS && !is_allowed(&source->allow, address))
		return err_fail(err, "the sender's address %s is not among "
			"those that the source allows", address);
	if (reason == HOLDS)
		return 0;
	*err = (struct err){.cls = ERR_FAIL};
	memcpy(err->text, a->sentences[reason], SENTENCE);
	return -1;
}
