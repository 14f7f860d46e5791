#include "deployer/http/signature.h"

#include <strings.h>

#include "proto/base/enc.h"

#define PREFIX "whsec_"
#define KEY_MIN 24
#define KEY_MAX 64
#define HEADER_MAX 2048 /* bytes of a line */

/* ---- secrets ------------------------------------------------------------------- */

/* The key's bytes into key, which the caller wipes. 0 or -1. */
static int decode(const struct secret *s, struct strbuf *key, struct err *err)
{
	struct str text = {s->p, s->n};

	if (!str_starts(text, STR(PREFIX)) ||
		enc_unbase64(str_cut(text, strlen(PREFIX), text.n), key) < 0 ||
		key->len < KEY_MIN || key->len > KEY_MAX)
		return err_fail(err, "is not `" PREFIX "` and %d to %d bytes "
				     "in base64; `pullwire-deployer secret` "
				     "makes one", KEY_MIN, KEY_MAX);
	return 0;
}

static void wipe(struct strbuf *key)
{
	if (key->buf)
		enc_wipe(key->buf, key->len);
	strbuf_release(key);
}

void signature_add(const struct opt_secrets *secrets, const char *id,
	int64_t seconds, struct str body, struct strbuf *out)
{
	struct strbuf text = {0};
	unsigned char mac[ENC_SHA256_LEN];

	strbuf_addf(&text, "%s.%lld.", id, (long long)seconds);
	strbuf_add_str(&text, body);
	for (size_t i = 0; i < secrets->n; i++) {
		struct strbuf key = {0};

		if (decode(&secrets->v[i], &key, NULL) == 0) {
			enc_hmac_sha256(key.buf, key.len, text.buf, text.len,
				mac);
			strbuf_add_cstr(out, out->len ? " v1," : "v1,");
			enc_base64(mac, sizeof(mac), out);
		}
		wipe(&key);
	}
	strbuf_release(&text);
}

int signature_new(const struct conf *conf UNUSED, int argc UNUSED,
	char **argv UNUSED)
{
	unsigned char key[SIGNATURE_KEY_BYTES];
	struct strbuf text = {0};

	enc_random(key, sizeof(key));
	enc_base64(key, sizeof(key), &text);
	printf(PREFIX "%s\n", strbuf_cstr(&text));
	enc_wipe(key, sizeof(key));
	wipe(&text);
	return 0;
}

/* ---- headers --------------------------------------------------------------------- */

/* A name, or the start of one where it ends in a dash. The first are about
 * the connection or the request's form (RFC 9110, 7.6.1 and 6.6), the others
 * are ours. */
static const char *const taken[] = {
	"Connection", "Content-Length", "Expect", "Host", "Keep-Alive",
	"Proxy-", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
	"Accept-Encoding", "Content-Encoding", "Content-Type", "Cookie",
	"Idempotency-Key", "Pullwire-", "User-Agent", "webhook-",
};

static bool is_taken(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(taken); i++) {
		size_t n = strlen(taken[i]);
		bool start = taken[i][n - 1] == '-';

		if ((start ? name.n >= n : name.n == n) &&
			strncasecmp(name.p, taken[i], n) == 0)
			return true;
	}
	return false;
}

int signature_check_header(const char *line, struct err *err)
{
	struct str s = str_from(line), name, value;
	size_t colon = str_find(s, ':');

	name = str_cut(s, 0, colon);
	value = str_trim(str_cut(s, colon + 1, s.n));
	if (s.n > HEADER_MAX)
		return err_fail(err, "a header has more than %d bytes",
			HEADER_MAX);
	if (colon == s.n || name.n == 0 || value.n == 0 ||
		strspn(line, "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			     "!#$%&'*+-.^_`|~") != name.n)
		return err_fail(err, "a header is written `Name: value`, and "
				     "one of them is not");
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < ' ' || s.p[i] > '~') /* whatever char's sign */
			return err_fail(err, "header %.*s has a control or a "
					     "byte that is not ASCII",
				(int)name.n, name.p);
	if (is_taken(name))
		return err_fail(err, "header %.*s is not a trigger's to set",
			(int)name.n, name.p);
	return 0;
}

/* ---- the configuration ------------------------------------------------------------- */

static void check_signing(const struct conf_trigger *t,
	struct opt_errors *errs)
{
	const char *kind = t->notify ? "" : "trigger ";
	struct err err;

	for (size_t i = 0; i < t->secret.n; i++) {
		struct strbuf key = {0};

		/* What could not be read was told already. */
		if (t->secret.v[i].p && decode(&t->secret.v[i], &key, &err) < 0)
			opt_error(errs, t->where.file, t->where.line,
				"%s%s: secret: %s", kind, t->name, err.text);
		wipe(&key);
	}
	for (size_t i = 0; i < t->headers.n; i++)
		if (signature_check_header(t->headers.v[i], &err) < 0)
			opt_error(errs, t->where.file, t->where.line,
				"%s%s: headers: %s", kind, t->name, err.text);
}

void signature_check_conf(const struct conf *conf, struct opt_errors *errs)
{
	CONF_EACH(conf->triggers, const struct conf_trigger, t) {
		if (t->name && !t->url && (t->secret.n || t->headers.n))
			opt_error(errs, t->where.file, t->where.line,
				"trigger %s: `secret` and `headers` go with "
				"`url`", t->name);
		if (t->name)
			check_signing(t, errs);
	}
	CONF_EACH(conf->notify, const struct conf_notify, n)
		if (n->name)
			check_signing(&n->as, errs);
}
