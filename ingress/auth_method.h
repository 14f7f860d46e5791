/*
 * One way to prove who one is, behind a struct of functions: auth.c asks each
 * method that the configuration uses about every request.
 */
#ifndef INGRESS_AUTH_METHOD_H
#define INGRESS_AUTH_METHOD_H

#include "ingress/request.h"
#include "proto/base/enc.h"
#include "proto/data/conf.h"

/* Comparisons that are made for a source that has fewer, or does not exist. */
#define AUTH_SLOTS 4
#define AUTH_MAC_SLOTS 2 /* the same of codes over a body, which cost more */

/* What is sent as it is. */
enum auth_token {
	AUTH_BEARER, AUTH_URL_TOKEN, AUTH_BASIC, AUTH_HEADER, AUTH_TOKENS,
};

/* Digests of a source's secrets of each kind, made when the configuration is
 * read: a request is compared with all of them, whichever source it names. */
struct auth_known {
	struct auth_digests {
		/* As many as any source has, and AUTH_SLOTS; those from n on
		 * are random. */
		unsigned char (*v)[ENC_SHA256_LEN];
		size_t n, slots;
	} of[AUTH_TOKENS];
};

struct auth_ask {
	const struct request *req;
	const struct conf_auth *of; /* NULL: unknown; its work is still done */
	const struct auth_known *known; /* of an unknown one as well */
	const struct secret *decoy;
	unsigned hashes; /* bit enum enc_hash: those that any source uses */
	int64_t now;	 /* wall ms */
};

struct auth_method {
	const char *missing, *wrong; /* sentences */
	bool (*used)(const struct conf_auth *of);
	/* Does the proof hold? *sent: there was one at all. The time depends
	 * neither on ask->of nor on what its secrets are. */
	bool (*holds)(const struct auth_ask *ask, bool *sent);
};

/* auth_token.c: the secret itself is sent. */
extern const struct auth_method auth_bearer, auth_url_token, auth_basic,
	auth_header;
/* Raises slots to what the source needs; then all are made with the same. */
void auth_known_count(const struct conf_auth *of, size_t slots[AUTH_TOKENS]);
/* of: NULL for what is known of nobody. */
void auth_known_init(struct auth_known *k, const struct conf_auth *of,
	const size_t slots[AUTH_TOKENS]);
void auth_known_release(struct auth_known *k);
/* auth_cert.c: TLS has proved it. */
extern const struct auth_method auth_client_cert;
/* auth_mac.c: a code over the body is sent. */
extern const struct auth_method auth_hmac, auth_standard_webhooks;

#endif
