/*
 * One way to prove who one is, behind a struct of functions: auth.c asks each
 * method that the configuration uses about every request.
 */
#ifndef INGRESS_AUTH_METHOD_H
#define INGRESS_AUTH_METHOD_H

#include "ingress/request.h"
#include "proto/data/conf.h"

/* Secrets that are compared for a source that has fewer, or does not exist. */
#define AUTH_SLOTS 4
#define AUTH_MAC_SLOTS 2 /* the same of codes over a body, which cost more */

struct auth_ask {
	const struct request *req;
	const struct conf_auth *of; /* NULL: unknown; its work is still done */
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
/* auth_cert.c: TLS has proved it. */
extern const struct auth_method auth_client_cert;
/* auth_mac.c: a code over the body is sent. */
extern const struct auth_method auth_hmac, auth_standard_webhooks;

#endif
