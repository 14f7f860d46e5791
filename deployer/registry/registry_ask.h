/*
 * What does a registry have under a tag? HEAD /v2/NAME/manifests/TAG of the
 * distribution spec (opencontainers/distribution-spec 1.1), with its token
 * authentication (distribution.github.io/distribution/spec/auth/token): Basic,
 * or Bearer with a token of the realm that the registry names. Blocks, half a
 * minute at most: for worker threads.
 *
 * https with the system's roots. Plain http is tried after it where insecure
 * says so or the host is this machine's loopback; credentials go to a realm
 * only over https, or where plain http is allowed.
 */
#ifndef DEPLOYER_REGISTRY_ASK_H
#define DEPLOYER_REGISTRY_ASK_H

#include "deployer/driver.h"
#include "deployer/registry/registry_auth.h"

struct registry_ask {
	const char *host;	/* host[:port] */
	const char *repository; /* without the host */
	const char *tag;
	const struct registry_auth *login;
	bool insecure;
};

/* 0 and the digest. -1: ERR_FAIL where the login is refused or the registry
 * can never say, else ERR_RETRY; err->code is the status, if there was one. */
int registry_ask(const struct registry_ask *ask,
	char digest[DRIVER_DIGEST_MAX], struct err *err);

/* Pure: the value of NAME in a WWW-Authenticate challenge's parameters
 * (RFC 9110, 11.2); false when absent or longer. */
bool registry_challenge(const char *challenge, const char *name, char *out,
	size_t n);
/* Pure: is the host this machine's loopback? */
bool registry_is_loopback(const char *host);

#endif
