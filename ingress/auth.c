#include "ingress/auth.h"

#include <strings.h>

#include "proto/base/enc.h"

/* Places in a request where one method's secret may stand. */
#define CANDIDATES 2

static unsigned char decoy_bytes[32];
static char decoy_hex[2 * sizeof(decoy_bytes) + 1];
static struct secret decoy;

void auth_init(void)
{
	enc_random(decoy_bytes, sizeof(decoy_bytes));
	enc_hex(decoy_bytes, sizeof(decoy_bytes), decoy_hex);
	decoy.p = decoy_hex;
	decoy.n = sizeof(decoy_hex) - 1;
}

/*
 * "Authorization: Bearer TOKEN". GitLab's registry sends the token alone, so
 * a value without the word is taken whole.
 */
static size_t bearer_candidates(const struct request *req, struct str out[CANDIDATES])
{
	static const char word[] = "Bearer ";
	const char *value = request_header(req, "Authorization");

	if (!value)
		return 0;
	if (!strncasecmp(value, word, sizeof(word) - 1))
		value += sizeof(word) - 1;
	out[0] = str_trim(str_from(value));
	return 1;
}

static size_t url_token_candidates(const struct request *req,
	struct str out[CANDIDATES])
{
	static const char *const keys[] = {"token", "secret"};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const char *value = request_query(req, keys[i]);

		if (value)
			out[n++] = str_from(value);
	}
	return n;
}

static const struct opt_secrets *bearer_secrets(const struct conf_auth *a)
{
	return &a->bearer;
}

static const struct opt_secrets *url_token_secrets(const struct conf_auth *a)
{
	return &a->url_token;
}

static const struct {
	const char *missing, *wrong; /* sentences */
	size_t (*candidates)(const struct request *req, struct str out[CANDIDATES]);
	const struct opt_secrets *(*secrets)(const struct conf_auth *a);
} methods[] = {
	{
		"there is no Authorization header",
		"the token in Authorization is not one of the source's",
		bearer_candidates, bearer_secrets,
	},
	{
		"there is no token= or secret= in the query",
		"the token in the query is not one of the source's",
		url_token_candidates, url_token_secrets,
	},
};

/* Compares with every secret and never stops early. */
static bool matches_any(const struct opt_secrets *secrets,
	const struct str *candidates, size_t n)
{
	size_t real = secrets ? secrets->n : 0;
	size_t slots = real > AUTH_SLOTS ? real : AUTH_SLOTS;
	bool found = false;

	for (size_t c = 0; c < CANDIDATES; c++) {
		struct str text = c < n ? candidates[c] : STR("-");

		for (size_t i = 0; i < slots; i++) {
			const struct secret *s = i < real ? &secrets->v[i]
							  : &decoy;
			bool same = secret_matches(s, text);

			found |= same && c < n && i < real && text.n > 0;
		}
	}
	return found;
}

int auth_check(const struct conf_source *source, const struct request *req,
	struct err *err)
{
	const char *fault = NULL;
	size_t given = 0;

	for (size_t m = 0; m < ARRAY_LEN(methods); m++) {
		const struct opt_secrets *secrets =
			source ? methods[m].secrets(&source->auth) : NULL;
		struct str candidates[CANDIDATES] = {{0}};
		size_t n = methods[m].candidates(req, candidates);
		bool holds = matches_any(secrets, candidates, n);

		if (!secrets || !secrets->n)
			continue;
		given++;
		if (!holds && !fault)
			fault = n ? methods[m].wrong : methods[m].missing;
	}
	if (!source)
		return err_fail(err, "no source of this name is configured");
	if (!source->enabled)
		return err_fail(err, "the source is disabled");
	if (!given)
		return err_fail(err, "no secret is configured for the source");
	if (fault)
		return err_fail(err, "%s", fault);
	return 0;
}
