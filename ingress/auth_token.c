/* Methods by which the secret itself is sent. */
#include "ingress/auth_method.h"

#include <strings.h>

#include "proto/base/mem.h"

/* Places in a request where one method's secret may stand. */
#define CANDIDATES 2

/* Of a text that is padded to one length: hashing takes the same time for
 * each. A longer text is no secret's. */
static void digest(struct str text, unsigned char out[ENC_SHA256_LEN])
{
	unsigned char block[CONF_SECRET_MAX + sizeof(size_t)] = {0};

	memcpy(block, &text.n, sizeof(size_t));
	if (text.n <= CONF_SECRET_MAX)
		memcpy(block + sizeof(size_t), text.p, text.n);
	enc_sha256(block, sizeof(block), out);
	enc_wipe(block, sizeof(block));
}

/* ---- what is known -------------------------------------------------------- */

static const struct opt_secrets *secrets_of(const struct conf_auth *of,
	enum auth_token kind)
{
	static const struct opt_secrets none;

	if (!of)
		return &none;
	switch (kind) {
	case AUTH_BEARER:
		return &of->bearer;
	case AUTH_URL_TOKEN:
		return &of->url_token;
	case AUTH_BASIC:
		return &of->basic;
	case AUTH_HEADER:
		return &of->header.secret;
	case AUTH_TOKENS:
		break;
	}
	BUG("no kind of token");
}

void auth_known_count(const struct conf_auth *of, size_t slots[AUTH_TOKENS])
{
	for (int kind = 0; kind < AUTH_TOKENS; kind++) {
		size_t n = secrets_of(of, (enum auth_token)kind)->n;

		if (n > slots[kind])
			slots[kind] = n;
	}
}

void auth_known_init(struct auth_known *k, const struct conf_auth *of,
	const size_t slots[AUTH_TOKENS])
{
	for (int kind = 0; kind < AUTH_TOKENS; kind++) {
		const struct opt_secrets *s =
			secrets_of(of, (enum auth_token)kind);
		struct auth_digests *d = &k->of[kind];

		d->n = s->n;
		d->slots = slots[kind];
		d->v = xcalloc_large(d->slots, sizeof(*d->v));
		enc_random(d->v, d->slots * sizeof(*d->v));
		for (size_t i = 0; i < s->n; i++)
			digest((struct str){s->v[i].p, s->v[i].n}, d->v[i]);
	}
}

void auth_known_release(struct auth_known *k)
{
	for (int kind = 0; kind < AUTH_TOKENS; kind++) {
		enc_wipe(k->of[kind].v,
			k->of[kind].slots * sizeof(*k->of[kind].v));
		free(k->of[kind].v);
	}
}

/* Compares with every digest and never stops early. */
static bool matches_any(const struct auth_ask *ask, enum auth_token kind,
	const struct str *candidates, size_t n)
{
	const struct auth_digests *d = &ask->known->of[kind];
	bool found = false;

	for (size_t c = 0; c < n; c++) {
		unsigned char sent[ENC_SHA256_LEN];
		bool here = false;

		digest(candidates[c], sent);
		for (size_t i = 0; i < d->slots; i++)
			here |= enc_same(sent, d->v[i], sizeof(sent)) &
				(i < d->n);
		found |= here & (candidates[c].n > 0) &
			(candidates[c].n <= CONF_SECRET_MAX);
	}
	return found;
}

/* ---- bearer -------------------------------------------------------------- */

/*
 * "Authorization: Bearer TOKEN". GitLab's registry and Harbor send the token
 * alone, so a value without the word is taken whole.
 */
static bool bearer_holds(const struct auth_ask *ask, bool *sent)
{
	static const char word[] = "Bearer ";
	const char *value = request_header(ask->req, "Authorization");
	struct str token = {"", 0};

	*sent = value != NULL;
	if (value && !strncasecmp(value, word, sizeof(word) - 1))
		value += sizeof(word) - 1;
	if (value)
		token = str_trim(str_from(value));
	return matches_any(ask, AUTH_BEARER, &token, 1);
}

static bool bearer_used(const struct conf_auth *of)
{
	return of->bearer.n > 0;
}

const struct auth_method auth_bearer = {
	"there is no Authorization header",
	"the token in Authorization is not one of the source's",
	bearer_used, bearer_holds,
};

/* ---- url_token ------------------------------------------------------------ */

static bool url_token_holds(const struct auth_ask *ask, bool *sent)
{
	static const char *const keys[CANDIDATES] = {"token", "secret"};
	struct str found[CANDIDATES] = {{"", 0}, {"", 0}};

	for (size_t i = 0; i < CANDIDATES; i++) {
		const char *value = request_query(ask->req, keys[i]);

		*sent |= value != NULL;
		if (value)
			found[i] = str_from(value);
	}
	return matches_any(ask, AUTH_URL_TOKEN, found, CANDIDATES);
}

static bool url_token_used(const struct conf_auth *of)
{
	return of->url_token.n > 0;
}

const struct auth_method auth_url_token = {
	"there is no token= or secret= in the query",
	"the token in the query is not one of the source's",
	url_token_used, url_token_holds,
};

/* ---- basic ---------------------------------------------------------------- */

/* RFC 7617: "Basic" and USER:PASSWORD in base64. */
static bool basic_holds(const struct auth_ask *ask, bool *sent)
{
	static const char word[] = "Basic ";
	const char *value = request_header(ask->req, "Authorization");
	struct strbuf pair = {0};
	struct str text = {"", 0};
	bool holds;

	if (value && !strncasecmp(value, word, sizeof(word) - 1) &&
		!enc_unbase64(str_trim(str_from(value + sizeof(word) - 1)),
			&pair))
		text = strbuf_str(&pair);
	*sent = value != NULL;
	holds = matches_any(ask, AUTH_BASIC, &text, 1);
	if (pair.buf)
		enc_wipe(pair.buf, pair.len);
	strbuf_release(&pair);
	return holds;
}

static bool basic_used(const struct conf_auth *of)
{
	return of->basic.n > 0;
}

const struct auth_method auth_basic = {
	"there is no Authorization header",
	"the user and password in Authorization are not the source's",
	basic_used, basic_holds,
};

/* ---- header ---------------------------------------------------------------- */

static bool header_holds(const struct auth_ask *ask, bool *sent)
{
	const struct conf_auth_header *h = ask->of ? &ask->of->header : NULL;
	const char *value = request_header(ask->req,
		h && h->name ? h->name : "Authorization");
	struct str text = {"", 0};

	*sent = value != NULL;
	if (value)
		text = str_trim(str_from(value));
	return matches_any(ask, AUTH_HEADER, &text, 1);
}

static bool header_used(const struct conf_auth *of)
{
	return of->header.name != NULL;
}

const struct auth_method auth_header = {
	"the source's header is not there",
	"the value of the source's header is not its secret",
	header_used, header_holds,
};
