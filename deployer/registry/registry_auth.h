/*
 * Credentials of registries, from the docker CLI's own config.json: what
 * `docker login` wrote, or a credential helper that it names. Read anew each
 * time, for some last only hours.
 *
 * Order (docs.docker.com/reference/cli/docker/login): credHelpers of the host,
 * else credsStore, else auths. Keys are compared by host, without scheme and
 * path; Docker Hub's is https://index.docker.io/v1/. A helper is the program
 * docker-credential-NAME: the host on its standard input, JSON on its output
 * (github.com/docker/docker-credential-helpers); ten seconds are its limit.
 *
 * A secret is in a struct registry_auth only, wiped when released; no error's
 * text has one. Blocks: for worker threads.
 */
#ifndef DEPLOYER_REGISTRY_AUTH_H
#define DEPLOYER_REGISTRY_AUTH_H

#include "proto/base/secret.h"
#include "proto/base/strbuf.h"

struct registry_auth {
	char *server;	     /* as the engine is told: the host, or Docker Hub's
				key; NULL: nothing is known, anonymous */
	char *user;	     /* NULL with a token */
	struct secret secret; /* the password, or the token */
	bool token;	     /* an identity token: OAuth2's refresh token */
	char *from;	     /* where it was looked for, for people */
};

/*
 * What config (a path; NULL: DOCKER_CONFIG's config.json, else that of
 * ~/.docker, either only if it can be read) knows of the registry's host.
 * Nothing known is 0, too. -1: no such file, no JSON, a helper that fails.
 */
int registry_auth_find(const char *config, struct str host,
	struct registry_auth *auth, struct err *err);
void registry_auth_release(struct registry_auth *auth);

/* The value of X-Registry-Auth: base64url of JSON. "" when anonymous. Wipe it
 * after use. */
void registry_auth_header(const struct registry_auth *auth, struct strbuf *out);
/* Docker Hub's key for one of its hosts, the host itself else; in buf. */
#define REGISTRY_HUB_KEY "https://index.docker.io/v1/"

/* A strbuf that held a secret. */
void registry_auth_wipe(struct strbuf *sb);

/* Pure, for the two above: what a config.json's text says. *helper is the
 * caller's to free, NULL when auths decide. */
int registry_auth_read(struct str text, struct str host, char **helper,
	struct registry_auth *auth, struct err *err);
/* Pure: a helper's answer. */
int registry_auth_answer(struct str text, struct registry_auth *auth,
	struct err *err);

#endif
