/*
 * Who asks, and what may they? Tokens are 32 random bytes; what is stored is
 * their SHA-256, which is enough for what nobody can guess. A TLS certificate
 * that the configuration names stands for a token. The page trades a
 * token for a session, whose cookie ends with this process, with its sign-out
 * or after AUTH_SESSION_MS without a request. Without configured tokens
 * everybody who reaches us is a viewer: then we listen on loopback only.
 *
 * Guessing is slowed down: after AUTH_FAILURES wrong tokens within a minute
 * an address has to wait until that minute is over. Sessions go on.
 * Thread-safe; now is mono ms.
 */
#ifndef LOGGER_AUTH_H
#define LOGGER_AUTH_H

#include "proto/data/conf.h"

#define AUTH_SESSION_MS ((int64_t)12 * 3600 * 1000)
#define AUTH_SESSIONS_MAX 1000 /* the one idle longest makes room */
#define AUTH_FAILURES 5
#define AUTH_FAILURES_MS 60000
#define AUTH_ADDRESSES_MAX 4096 /* whose failures are kept */
#define AUTH_COOKIE_LEN 65      /* hex, with the NUL */

enum auth_role { AUTH_NOBODY, AUTH_VIEWER, AUTH_OPERATOR };

struct auth_who {
	enum auth_role role;
	char name[65];
	bool session; /* known by what browsers send unasked */
	uint64_t serial; /* of the session by a cookie; 0: by a certificate */
};

enum auth_result {
	AUTH_OK,
	AUTH_NONE, /* nothing was shown that proves anything, or it is over */
	AUTH_WRONG,
	AUTH_WAIT, /* too many wrong ones */
};

struct auth;

struct auth *auth_new(const struct conf_logger *c) MUST_CHECK;
void auth_free(struct auth *a); /* NULL is fine */
/* Are there tokens? */
bool auth_asks(const struct auth *a);

/* A token from this address. */
enum auth_result auth_token(struct auth *a, const char *address,
	struct str token, int64_t now, struct auth_who *who);
/* What a certificate proves of the client: "sha256:HEX", or a name. */
enum auth_result auth_certificate(const struct auth *a, const char *identity,
	struct auth_who *who);
/* What a cookie says. */
enum auth_result auth_session(struct auth *a, struct str cookie, int64_t now,
	struct auth_who *who);
/* A new session of who. */
void auth_sign_in(struct auth *a, const struct auth_who *who, int64_t now,
	char cookie[AUTH_COOKIE_LEN]);
void auth_sign_out(struct auth *a, struct str cookie);
/* Is who, for whom something goes on, still known? No session is prolonged. */
bool auth_holds(struct auth *a, const struct auth_who *who, int64_t now);

/* May a request that names this Host (NULL: none) be for us? A name that is
 * none of ours may be somebody's who had it resolve to our address. */
bool auth_host(const struct auth *a, const char *host);

#endif
