/* TLS of a listener: the table, and the rules over several keys. The files
 * themselves are read by who listens. */
#include "proto/data/conf_load.h"

#include "proto/base/mem.h"

static const struct opt tls_opts[] = {
	KEY(struct conf_tls, cert, OPT_STR, NULL,
		"The certificate in PEM, followed by those that lead to its "
		"root. This file and the two below are read again when they "
		"change and on SIGHUP; what is no good is logged once and "
		"changes nothing.",
		.flags = OPT_REQUIRED, .max = 4096),
	KEY(struct conf_tls, key, OPT_STR, NULL,
		"Its private key in PEM, without a password.",
		.flags = OPT_REQUIRED, .max = 4096),
	KEY(struct conf_tls, client_ca, OPT_STR, NULL,
		"Certificates in PEM of the authorities that vouch for "
		"clients.",
		.flags = OPT_RESTART, .max = 4096),
};
const struct opt_table conf_tls_table = TABLE(struct conf_tls, "tls", tls_opts,
	"TLS 1.2 and 1.3 on a listener. Without, it speaks plain HTTP.");

#define SHA256 "sha256:"
#define DIGITS 64

/* "sha256:HEX" of such a text, with colons between the bytes or without; NULL
 * when it is none. */
static char *fingerprint(const char *text)
{
	char hex[DIGITS + 1] = "";
	size_t n = 0;

	if (!strncmp(text, SHA256, strlen(SHA256)))
		text += strlen(SHA256);
	for (const char *p = text; *p; p++) {
		char c = *p >= 'A' && *p <= 'F' ? (char)(*p - 'A' + 'a') : *p;

		if (c == ':')
			continue;
		if (n == DIGITS || !strchr("0123456789abcdef", c))
			return NULL;
		hex[n++] = c;
	}
	return n == DIGITS ? xprintf(SHA256 "%s", hex) : NULL;
}

/* What the server tells of a certificate has no other bytes. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (*name < ' ' || *name > '~')
			return false;
	return true;
}

void conf_check_client_cert(struct conf_loader *l, const struct yaml *auth,
	const char *section, const struct conf_tls *tls, struct opt_strs *list)
{
	for (size_t i = 0; i < list->n; i++) {
		char *plain = fingerprint(list->v[i]);

		if (plain) {
			free(list->v[i]);
			list->v[i] = plain;
		} else if (!strncmp(list->v[i], SHA256, strlen(SHA256))) {
			FAULT(auth, "client_cert", "client_cert: `%s` is no "
				"SHA-256 of a certificate: 64 hexadecimal "
				"digits", list->v[i]);
		} else if (!is_plain(list->v[i])) {
			FAULT(auth, "client_cert", "client_cert: `%s` has "
				"characters other than ASCII, which no name is "
				"known by; give the SHA-256 of the certificate",
				list->v[i]);
		} else if (tls->cert && !tls->client_ca) {
			FAULT(auth, "client_cert", "client_cert: `%s` is a "
				"name, so `%s.tls.client_ca` must say who "
				"vouches for names; without, give the SHA-256 "
				"of the certificate", list->v[i], section);
		}
	}
	if (list->n && !tls->cert)
		FAULT(auth, "client_cert", "client_cert: senders show a "
			"certificate with TLS only; set `%s.tls`", section);
}
