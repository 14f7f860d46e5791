/* How a source's sender proves who it is: the tables, the short forms of
 * well-known senders, and the rules over several keys. */
#include "proto/data/conf_load.h"

#include "proto/base/enc.h"
#include "proto/base/net.h"

static const char *const presets[] = {
	"custom", "github", "gitea", "jfrog", "nexus", NULL};
static const char *const encodings[] = {"hex", "base64", NULL};
static const char *const algorithms[] = {"sha256", "sha1", "sha512", NULL};

static const struct opt header_opts[] = {
	KEY(struct conf_auth_header, name, OPT_STR, NULL,
		"The header's name, such as `X-Token`.",
		.flags = OPT_REQUIRED | OPT_RELOAD, .max = 128),
	KEY(struct conf_auth_header, secret, OPT_SECRETS, NULL,
		"Its whole value is one of these.",
		.flags = OPT_REQUIRED | OPT_RELOAD),
};
static const struct opt_table header_table = TABLE(struct conf_auth_header,
	"sources[].auth.header", header_opts,
	"A header of the sender's configuration.");

static const struct opt hmac_opts[] = {
	KEY(struct conf_auth_hmac, preset, OPT_ENUM, "custom",
		"`github` (`X-Hub-Signature-256`), `gitea` (`X-Gitea-"
		"Signature`; Forgejo too), `jfrog` (`X-JFrog-Event-Auth` with "
		"signing on), `nexus` (`X-Nexus-Webhook-Signature`): says the "
		"four keys below.",
		.words = presets, .flags = OPT_RELOAD),
	KEY(struct conf_auth_hmac, header, OPT_STR, NULL,
		"The header that carries the code.",
		.flags = OPT_RELOAD, .max = 128),
	KEY(struct conf_auth_hmac, prefix, OPT_STR, NULL,
		"What stands before the code, such as `sha256=`.",
		.flags = OPT_RELOAD, .max = 32),
	KEY(struct conf_auth_hmac, encoding, OPT_ENUM, "hex",
		"Of the code.", .words = encodings, .flags = OPT_RELOAD),
	KEY(struct conf_auth_hmac, algorithm, OPT_ENUM, "sha256",
		"The hash function.", .words = algorithms,
		.flags = OPT_RELOAD),
	KEY(struct conf_auth_hmac, secret, OPT_SECRETS, NULL,
		"The key, as the sender was given it.",
		.flags = OPT_REQUIRED | OPT_RELOAD),
};
static const struct opt_table hmac_table = TABLE(struct conf_auth_hmac,
	"sources[].auth.hmac", hmac_opts,
	"An HMAC over the body as it was sent.");

static const struct opt auth_opts[] = {
	KEY(struct conf_auth, bearer, OPT_SECRETS, NULL,
		"The request must carry `Authorization: Bearer` with one of "
		"these tokens. Several: all are valid, for rotation; so with "
		"every secret here.",
		.flags = OPT_RELOAD),
	KEY(struct conf_auth, url_token, OPT_SECRETS, NULL,
		"The URL must carry one of these as `token=` or `secret=`, for "
		"senders that can set nothing else.",
		.flags = OPT_RELOAD),
	KEY(struct conf_auth, basic, OPT_SECRETS, NULL,
		"`USER:PASSWORD`, as HTTP's basic authentication sends it.",
		.flags = OPT_RELOAD),
	KEY(struct conf_auth, header, OPT_SUB, NULL,
		"A header that carries a secret.", .sub = &header_table,
		.flags = OPT_RELOAD),
	KEY(struct conf_auth, hmac, OPT_SUB, NULL,
		"A header that carries a code over the body.",
		.sub = &hmac_table, .flags = OPT_RELOAD),
	KEY(struct conf_auth, standard_webhooks, OPT_SECRETS, NULL,
		"Signed as Standard Webhooks 1.0 has it, within five minutes: "
		"`whsec_` and 24 to 64 bytes in base64.",
		.flags = OPT_RELOAD),
	KEY(struct conf_auth, client_cert, OPT_STRS, NULL,
		"The sender's TLS certificate: its SHA-256 (`openssl x509 "
		"-fingerprint -sha256`), or a name in it, its "
		"CN, a DNS name, an e-mail address or a URI, that "
		"`ingress.tls.client_ca` vouches for. Several: each is valid. "
		"Not through a proxy that ends TLS itself.",
		.flags = OPT_RELOAD, .max = 16),
	KEY(struct conf_auth, none, OPT_BOOL, "false",
		"Anyone may post here. A warning at each start; give `allow` "
		"with it.",
		.flags = OPT_RELOAD),
};
const struct opt_table conf_auth_table = TABLE(struct conf_auth,
	"sources[].auth", auth_opts,
	"How a sender proves who it is. Each that is given must hold.");

/* ---- presets ------------------------------------------------------------- */

static const struct {
	const char *header, *prefix;
	enum enc_hash algorithm;
} known[] = {
	{NULL, NULL, ENC_SHA256},
	{"X-Hub-Signature-256", "sha256=", ENC_SHA256},
	{"X-Gitea-Signature", NULL, ENC_SHA256},
	{"X-JFrog-Event-Auth", NULL, ENC_SHA256},
	{"X-Nexus-Webhook-Signature", NULL, ENC_SHA1},
};

_Static_assert(ARRAY_LEN(known) + 1 == ARRAY_LEN(presets), "one row a preset");

static void fill_preset(struct conf_loader *l, const struct yaml *map,
	struct conf_auth_hmac *h)
{
	static const char *const said[] = {
		"header", "prefix", "encoding", "algorithm"};

	for (size_t i = 0; i < ARRAY_LEN(said); i++)
		if (yaml_get(map, said[i]))
			FAULT(map, said[i], "hmac: preset `%s` says the `%s` "
				"already", presets[h->preset], said[i]);
	if (h->header)
		return;
	h->header = xstrdup(known[h->preset].header);
	h->prefix = xstrdup_null(known[h->preset].prefix);
	h->algorithm = (int)known[h->preset].algorithm;
}

/* ---- checks -------------------------------------------------------------- */

/* A header's name by RFC 9110, 5.6.2. */
static bool is_header(const char *name)
{
	return *name && name[strspn(name,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789!#$%&'*+-.^_`|~")] == '\0';
}

static void check_header_name(struct conf_loader *l, const struct yaml *map,
	const char *key, const char *name)
{
	if (map && name && !is_header(name))
		FAULT(map, key, "%s: `%s` is no name of a header", key, name);
}

static void check_lengths(struct conf_loader *l, const struct yaml *map,
	const char *key, const struct opt_secrets *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->v[i].n > CONF_SECRET_MAX)
			FAULT(map, key, "%s: a secret is longer than %d bytes",
				key, CONF_SECRET_MAX);
}

static bool is_whsec(const struct secret *s)
{
	struct strbuf key = {0};
	struct str text = {s->p, s->n};
	bool ok = str_starts(text, STR(CONF_WHSEC)) &&
		!enc_unbase64(str_cut(text, strlen(CONF_WHSEC), text.n), &key) &&
		key.len >= 24 && key.len <= 64;

	if (key.buf)
		enc_wipe(key.buf, key.len);
	strbuf_release(&key);
	return ok;
}

static void check_forms(struct conf_loader *l, const struct yaml *map,
	const struct conf_auth *a)
{
	for (size_t i = 0; i < a->basic.n; i++)
		if (a->basic.v[i].p && !strchr(a->basic.v[i].p, ':'))
			FAULT(map, "basic", "basic: write USER:PASSWORD");
	for (size_t i = 0; i < a->standard_webhooks.n; i++)
		if (a->standard_webhooks.v[i].p &&
			!is_whsec(&a->standard_webhooks.v[i]))
			FAULT(map, "standard_webhooks", "standard_webhooks: a "
				"secret is `whsec_` and 24 to 64 bytes in "
				"base64");
	check_lengths(l, map, "bearer", &a->bearer);
	check_lengths(l, map, "url_token", &a->url_token);
	check_lengths(l, map, "basic", &a->basic);
}

void conf_check_blocks(struct conf_loader *l, const struct yaml *map,
	const char *key, const struct opt_strs *list)
{
	struct net_block block;

	for (size_t i = 0; i < list->n; i++)
		if (net_parse_block(str_from(list->v[i]), &block) < 0)
			FAULT(map, key, "%s: `%s` is neither an address nor a "
				"network such as 10.0.0.0/8, with no bit set "
				"after the prefix", key, list->v[i]);
}

/* Is a proof meant that another fault keeps from being one? */
static bool is_told(const struct conf_loader *l, const struct yaml *auth)
{
	return l->errs->list.n > 0 && auth->first &&
		(auth->first->kind != YAML_SCALAR || *auth->first->scalar);
}

void conf_check_auth(struct conf_loader *l, const struct yaml *map,
	struct conf_source *s)
{
	const struct yaml *auth = yaml_get(map, "auth");
	const struct yaml *hmac = auth ? yaml_get(auth, "hmac") : NULL;
	const struct yaml *header = auth ? yaml_get(auth, "header") : NULL;
	struct conf_auth *a = &s->auth;
	bool given = a->bearer.n || a->url_token.n || a->basic.n || header ||
		hmac || a->standard_webhooks.n || a->client_cert.n;

	conf_check_blocks(l, map, "allow", &s->allow);
	if (!auth || auth->kind != YAML_MAP)
		return;
	if (!given && !a->none && !is_told(l, auth))
		FAULT(map, "auth", "auth: give `bearer`, `url_token`, `basic`, "
			"`header`, `hmac`, `standard_webhooks` or "
			"`client_cert`: a source without proof is not served, "
			"unless `none: true` says that anyone may post");
	if (given && a->none)
		FAULT(auth, "none", "none: the source asks for a secret as "
				    "well; take one of both out");
	check_forms(l, auth, a);
	conf_check_client_cert(l, auth, "ingress", &l->conf->ingress.tls,
		&a->client_cert);
	if (header && header->kind == YAML_MAP) {
		check_header_name(l, header, "name", a->header.name);
		check_lengths(l, header, "secret", &a->header.secret);
	}
	if (!hmac || hmac->kind != YAML_MAP)
		return;
	check_header_name(l, hmac, "header", a->hmac.header);
	if (a->hmac.preset)
		fill_preset(l, hmac, &a->hmac);
	else if (!a->hmac.header && !yaml_get(hmac, "preset"))
		FAULT(auth, "hmac", "hmac: give `preset`, or the `header` that "
				    "carries the code");
}
