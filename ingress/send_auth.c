#include "ingress/send_auth.h"

#include "proto/base/enc.h"

static struct strbuf *add(struct send_headers *h, const char *name)
{
	struct strbuf *line = &h->lines[h->n++];

	strbuf_addf(line, "%s: ", name);
	return line;
}

static struct str first(const struct opt_secrets *s)
{
	return (struct str){s->v[0].p, s->v[0].n};
}

static void add_hmac(const struct conf_auth_hmac *c, struct str body,
	struct send_headers *out)
{
	unsigned char mac[ENC_HMAC_MAX];
	char hex[2 * ENC_HMAC_MAX + 1];
	struct strbuf *line = add(out, c->header);
	size_t n = enc_hmac((enum enc_hash)c->algorithm, c->secret.v[0].p,
		c->secret.v[0].n, body.p, body.n, mac);

	strbuf_add_cstr(line, c->prefix ? c->prefix : "");
	if (c->encoding == HMAC_BASE64) {
		enc_base64(mac, n, line);
		return;
	}
	enc_hex(mac, n, hex);
	strbuf_add_cstr(line, hex);
}

/* Standard Webhooks 1.0, "Signature scheme". */
static void add_signature(struct str secret, struct str body, const char *id,
	int64_t now, struct send_headers *out)
{
	unsigned char mac[ENC_SHA256_LEN];
	struct strbuf key = {0}, text = {0}, *line;

	if (enc_unbase64(str_cut(secret, strlen(CONF_WHSEC), secret.n),
		    &key) < 0)
		BUG("the secret was checked when it was read");
	strbuf_addf(&text, "%s.%lld.", id, (long long)(now / 1000));
	strbuf_add_str(&text, body);
	enc_hmac_sha256(key.buf, key.len, text.buf, text.len, mac);
	strbuf_add_cstr(add(out, "webhook-id"), id);
	strbuf_addf(add(out, "webhook-timestamp"), "%lld",
		(long long)(now / 1000));
	line = add(out, "webhook-signature");
	strbuf_add_cstr(line, "v1,");
	enc_base64(mac, sizeof(mac), line);
	enc_wipe(key.buf, key.len);
	strbuf_release(&key);
	strbuf_release(&text);
}

void send_auth(const struct conf_auth *auth, struct str body, const char *id,
	int64_t now, struct send_headers *out)
{
	if (auth->bearer.n) {
		struct strbuf *line = add(out, "Authorization");

		strbuf_add_cstr(line, "Bearer ");
		strbuf_add_str(line, first(&auth->bearer));
	}
	if (auth->basic.n) {
		struct strbuf *line = add(out, "Authorization");

		strbuf_add_cstr(line, "Basic ");
		enc_base64(auth->basic.v[0].p, auth->basic.v[0].n, line);
	}
	if (auth->header.name)
		strbuf_add_str(add(out, auth->header.name),
			first(&auth->header.secret));
	if (auth->hmac.header)
		add_hmac(&auth->hmac, body, out);
	if (auth->standard_webhooks.n)
		add_signature(first(&auth->standard_webhooks), body, id, now,
			out);
}

void send_headers_release(struct send_headers *h)
{
	for (size_t i = 0; i < h->n; i++) {
		enc_wipe(h->lines[i].buf, h->lines[i].len);
		strbuf_release(&h->lines[i]);
	}
	h->n = 0;
}
