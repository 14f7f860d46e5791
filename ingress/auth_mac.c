/*
 * Methods by which a code over the body is sent: HMAC (RFC 2104) as many
 * senders have it, and Standard Webhooks 1.0, "Verifying webhook
 * authenticity". The code of a secret is computed and compared, never the
 * other way round.
 */
#include "ingress/auth_method.h"

#define TOLERANCE_MS (300 * 1000)
#define SIGNATURES 8 /* of one header that are looked at */

/* A code as it was sent; of another length than any when it is none. */
struct code {
	unsigned char b[ENC_HMAC_MAX];
	size_t n;
};

static bool same_code(const struct code *sent, const unsigned char *mac,
	size_t n)
{
	return enc_same(sent->b, mac, ENC_HMAC_MAX) & (sent->n == n);
}

/* ---- hmac ------------------------------------------------------------------ */

static void code_decode(struct str text, int encoding, struct code *out)
{
	struct strbuf bytes = {.limit = 2 * ENC_HMAC_MAX};

	memset(out, 0, sizeof(*out));
	if (encoding == HMAC_HEX && text.n <= 2 * ENC_HMAC_MAX &&
		!enc_unhex(text, out->b, text.n / 2)) {
		out->n = text.n / 2;
	} else if (encoding == HMAC_BASE64 && !enc_unbase64(text, &bytes) &&
		bytes.len <= ENC_HMAC_MAX) {
		memcpy(out->b, bytes.buf, bytes.len);
		out->n = bytes.len;
	}
	strbuf_release(&bytes);
}

/* The codes of one hash function; real: it is the source's. */
static bool hash_holds(const struct auth_ask *ask, enum enc_hash hash,
	const struct opt_secrets *real, const struct code *sent)
{
	struct str body = ask->req->body;
	size_t n = real ? real->n : 0;
	size_t slots = n > AUTH_MAC_SLOTS ? n : AUTH_MAC_SLOTS;
	bool found = false;

	for (size_t i = 0; i < slots; i++) {
		const struct secret *s = i < n ? &real->v[i] : ask->decoy;
		unsigned char mac[ENC_HMAC_MAX] = {0};
		size_t len = enc_hmac(hash, s->p, s->n, body.p, body.n, mac);

		found |= same_code(sent, mac, len) && i < n;
	}
	return found;
}

static bool hmac_holds(const struct auth_ask *ask, bool *sent)
{
	const struct conf_auth_hmac *h =
		ask->of && ask->of->hmac.header ? &ask->of->hmac : NULL;
	const char *value = request_header(ask->req,
		h ? h->header : "X-Hub-Signature-256");
	struct str prefix = str_from(h && h->prefix ? h->prefix : "");
	struct str text = str_from(value ? value : "");
	struct code code = {{0}, 0};
	bool found = false;

	*sent = value != NULL;
	if (str_starts(text, prefix))
		code_decode(str_cut(text, prefix.n, text.n),
			h ? h->encoding : HMAC_HEX, &code);
	for (int hash = ENC_SHA256; hash <= ENC_SHA512; hash++) {
		bool mine = h && h->algorithm == hash;

		if (ask->hashes & 1u << hash)
			found |= hash_holds(ask, (enum enc_hash)hash,
				mine ? &h->secret : NULL, &code);
	}
	return found && *sent;
}

static bool hmac_used(const struct conf_auth *of)
{
	return of->hmac.header != NULL;
}

const struct auth_method auth_hmac = {
	"the source's header with the code over the body is not there",
	"the code over the body is not made with one of the source's secrets",
	hmac_used, hmac_holds,
};

/* ---- Standard Webhooks ------------------------------------------------------ */

/* "v1,BASE64 v1,BASE64 v1a,…": those of version 1. */
static size_t read_signatures(const char *header, struct code out[SIGNATURES])
{
	struct str rest = str_from(header ? header : ""), part;
	size_t n = 0;

	while (n < SIGNATURES && str_split(&rest, ' ', &part)) {
		if (!str_starts(part, STR("v1,")))
			continue;
		code_decode(str_cut(part, 3, part.n), HMAC_BASE64, &out[n]);
		n++;
	}
	return n;
}

static bool is_fresh(const char *timestamp, int64_t now)
{
	int64_t seconds;

	if (!timestamp || str_to_i64(str_from(timestamp), &seconds) < 0 ||
		seconds < 0 || seconds > INT64_MAX / 1000)
		return false;
	return seconds * 1000 >= now - TOLERANCE_MS &&
		seconds * 1000 <= now + TOLERANCE_MS;
}

static bool key_holds(const struct secret *s, struct str text,
	const struct code *sent, size_t n)
{
	unsigned char mac[ENC_HMAC_MAX] = {0};
	struct str coded = {s->p, s->n};
	struct strbuf key = {0};
	bool found = false;

	if (str_starts(coded, STR(CONF_WHSEC)))
		coded = str_cut(coded, strlen(CONF_WHSEC), coded.n);
	/* The decoy is hexadecimal, which is base64 as well. */
	if (enc_unbase64(coded, &key) < 0)
		strbuf_truncate(&key, 0);
	enc_hmac(ENC_SHA256, key.buf, key.len, text.p, text.n, mac);
	for (size_t i = 0; i < SIGNATURES; i++)
		found |= same_code(&sent[i], mac, ENC_SHA256_LEN) && i < n;
	if (key.buf)
		enc_wipe(key.buf, key.len);
	found &= key.len > 0;
	strbuf_release(&key);
	return found;
}

static bool standard_webhooks_holds(const struct auth_ask *ask, bool *sent)
{
	const struct opt_secrets *real =
		ask->of ? &ask->of->standard_webhooks : NULL;
	const char *id = request_header(ask->req, "webhook-id");
	const char *time = request_header(ask->req, "webhook-timestamp");
	const char *header = request_header(ask->req, "webhook-signature");
	struct code codes[SIGNATURES] = {{{0}, 0}};
	struct strbuf text = {.limit = (size_t)4 << 20};
	size_t n = read_signatures(header, codes);
	size_t keys = real ? real->n : 0;
	size_t slots = keys > AUTH_MAC_SLOTS ? keys : AUTH_MAC_SLOTS;
	bool found = false;

	strbuf_addf(&text, "%s.%s.", id ? id : "", time ? time : "");
	strbuf_add_str(&text, ask->req->body);
	for (size_t i = 0; i < slots; i++)
		found |= key_holds(i < keys ? &real->v[i] : ask->decoy,
				 strbuf_str(&text), codes, n) && i < keys;
	*sent = id && time && header;
	found &= !text.failed && *sent && *id && is_fresh(time, ask->now);
	strbuf_release(&text);
	return found;
}

static bool standard_webhooks_used(const struct conf_auth *of)
{
	return of->standard_webhooks.n > 0;
}

const struct auth_method auth_standard_webhooks = {
	"webhook-id, webhook-timestamp or webhook-signature is not there",
	"webhook-signature is not of one of the source's secrets, or its time "
	"is more than five minutes away from now",
	standard_webhooks_used, standard_webhooks_holds,
};
