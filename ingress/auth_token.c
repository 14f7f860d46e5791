/* Methods by which the secret itself is sent. */
#include "ingress/auth_method.h"

#include <strings.h>

#include "proto/base/enc.h"

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

/* Compares with every secret and never stops early. */
static bool matches_any(const struct auth_ask *ask,
	const struct opt_secrets *secrets, const struct str *candidates,
	size_t n)
{
	size_t real = secrets ? secrets->n : 0;
	size_t slots = real > AUTH_SLOTS ? real : AUTH_SLOTS;
	unsigned char sent[CANDIDATES][ENC_SHA256_LEN], mine[ENC_SHA256_LEN];
	bool found = false;

	for (size_t c = 0; c < CANDIDATES; c++)
		digest(c < n ? candidates[c] : STR("-"), sent[c]);
	for (size_t i = 0; i < slots; i++) {
		const struct secret *s = i < real ? &secrets->v[i] : ask->decoy;

		digest((struct str){s->p, s->n}, mine);
		for (size_t c = 0; c < CANDIDATES; c++) {
			bool same = enc_equal(
				(struct str){(char *)sent[c], sizeof(mine)},
				(struct str){(char *)mine, sizeof(mine)});

			found |= same && c < n && i < real &&
				candidates[c].n > 0 &&
				candidates[c].n <= CONF_SECRET_MAX;
		}
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
	return matches_any(ask, ask->of ? &ask->of->bearer : NULL, &token,
		*sent);
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
	struct str found[CANDIDATES];
	size_t n = 0;

	for (size_t i = 0; i < CANDIDATES; i++) {
		const char *value = request_query(ask->req, keys[i]);

		if (value)
			found[n++] = str_from(value);
	}
	*sent = n > 0;
	return matches_any(ask, ask->of ? &ask->of->url_token : NULL, found, n);
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
	holds = matches_any(ask, ask->of ? &ask->of->basic : NULL, &text,
		*sent);
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
	return matches_any(ask, h ? &h->secret : NULL, &text, *sent);
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
