#include "logger/auth.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <strings.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

struct token {
	unsigned char hash[ENC_SHA256_LEN];
	bool hashed; /* else there is only a certificate */
	struct opt_strs certs;
	enum auth_role role;
	char *name;
};

struct session {
	unsigned char hash[ENC_SHA256_LEN]; /* of the cookie */
	struct auth_who who;
	int64_t seen;
};

struct failures {
	char address[64];
	int64_t since;
	unsigned n;
};

struct auth {
	struct token *tokens; /* these three: never changed */
	size_t n_tokens;
	struct opt_strs hosts;
	pthread_mutex_t lock;
	VEC(struct session) sessions;
	uint64_t serial; /* of the newest session */
	VEC(struct failures) failures;
};

static struct opt_strs copy_strs(const struct opt_strs *from)
{
	struct opt_strs to = {.v = xcalloc(from->n + 1, sizeof(char *))};

	for (; to.n < from->n; to.n++)
		to.v[to.n] = xstrdup(from->v[to.n]);
	return to;
}

static void free_strs(struct opt_strs *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i]);
	free(list->v);
}

struct auth *auth_new(const struct conf_logger *c)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	pthread_mutex_init(&a->lock, NULL);
	a->tokens = xcalloc(c->tokens.n + 1, sizeof(*a->tokens));
	CONF_EACH(c->tokens, const struct conf_token, t) {
		struct token *to = &a->tokens[a->n_tokens++];

		to->hashed = t->sha256 != NULL;
		if (to->hashed && enc_unhex(str_from(t->sha256), to->hash,
					  sizeof(to->hash)) < 0)
			BUG("a checked token has no hash");
		to->certs = copy_strs(&t->client_cert);
		to->role = t->role == ROLE_OPERATOR ? AUTH_OPERATOR
						    : AUTH_VIEWER;
		to->name = xstrdup(t->name);
	}
	a->hosts = copy_strs(&c->hosts);
	return a;
}

void auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n_tokens; i++) {
		free(a->tokens[i].name);
		free_strs(&a->tokens[i].certs);
	}
	free(a->tokens);
	free_strs(&a->hosts);
	VEC_RELEASE(&a->sessions);
	VEC_RELEASE(&a->failures);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

bool auth_asks(const struct auth *a)
{
	return a->n_tokens > 0;
}

static bool same_hash(const unsigned char *a, const unsigned char *b)
{
	return enc_equal((struct str){(const char *)a, ENC_SHA256_LEN},
		(struct str){(const char *)b, ENC_SHA256_LEN});
}

/* ---- who guesses ----------------------------------------------------------- */

static struct failures *failures_of(struct auth *a, const char *address,
	int64_t now)
{
	struct failures *oldest = NULL, new = {.since = now};

	for (size_t i = a->failures.n; i > 0; i--) {
		struct failures *f = &a->failures.v[i - 1];

		if (now - f->since >= AUTH_FAILURES_MS)
			VEC_REMOVE_SWAP(&a->failures, i - 1);
		else if (strcmp(f->address, address) == 0)
			return f;
		else if (oldest == NULL || f->since < oldest->since)
			oldest = f;
	}
	snprintf(new.address, sizeof(new.address), "%s", address);
	if (a->failures.n >= AUTH_ADDRESSES_MAX && oldest != NULL) {
		*oldest = new;
		return oldest;
	}
	VEC_PUSH(&a->failures, new);
	return &a->failures.v[a->failures.n - 1];
}

/* ---- tokens ---------------------------------------------------------------- */

static void set_who(struct auth_who *who, const struct token *t)
{
	*who = (struct auth_who){.role = t->role};
	snprintf(who->name, sizeof(who->name), "%s", t->name);
}

enum auth_result auth_token(struct auth *a, const char *address,
	struct str token, int64_t now, struct auth_who *who)
{
	unsigned char hash[ENC_SHA256_LEN];
	const struct token *found = NULL;
	enum auth_result result = AUTH_OK;
	struct failures *f;

	enc_sha256(token.p, token.n, hash);
	/* All of them, so that time tells nothing. */
	for (size_t i = 0; i < a->n_tokens; i++) {
		if (same_hash(a->tokens[i].hash, hash) && a->tokens[i].hashed)
			found = &a->tokens[i];
	}
	pthread_mutex_lock(&a->lock);
	f = failures_of(a, address, now);
	if (f->n >= AUTH_FAILURES) {
		result = AUTH_WAIT;
	} else if (found == NULL) {
		f->n++;
		result = AUTH_WRONG;
	}
	pthread_mutex_unlock(&a->lock);
	if (result == AUTH_OK)
		set_who(who, found);
	return result;
}

enum auth_result auth_certificate(const struct auth *a, const char *identity,
	struct auth_who *who)
{
	for (size_t i = 0; i < a->n_tokens; i++) {
		const struct token *t = &a->tokens[i];

		for (size_t k = 0; k < t->certs.n; k++) {
			if (strcmp(t->certs.v[k], identity) != 0)
				continue;
			set_who(who, t);
			who->session = true;
			return AUTH_OK;
		}
	}
	return AUTH_NONE;
}

/* ---- sessions -------------------------------------------------------------- */

/* Forgets those that are over; NULL when the cookie is none of the others. */
static struct session *find_session(struct auth *a, struct str cookie,
	int64_t now)
{
	unsigned char hash[ENC_SHA256_LEN];
	struct session *found = NULL;

	enc_sha256(cookie.p, cookie.n, hash);
	for (size_t i = a->sessions.n; i > 0; i--) {
		if (now - a->sessions.v[i - 1].seen > AUTH_SESSION_MS)
			VEC_REMOVE_SWAP(&a->sessions, i - 1);
	}
	for (size_t i = 0; i < a->sessions.n; i++) {
		if (same_hash(a->sessions.v[i].hash, hash))
			found = &a->sessions.v[i];
	}
	return found;
}

enum auth_result auth_session(struct auth *a, struct str cookie, int64_t now,
	struct auth_who *who)
{
	struct session *s;

	pthread_mutex_lock(&a->lock);
	s = find_session(a, cookie, now);
	if (s != NULL) {
		s->seen = now;
		*who = s->who;
	}
	pthread_mutex_unlock(&a->lock);
	return s != NULL ? AUTH_OK : AUTH_NONE;
}

void auth_sign_in(struct auth *a, const struct auth_who *who, int64_t now,
	char cookie[AUTH_COOKIE_LEN])
{
	unsigned char random[(AUTH_COOKIE_LEN - 1) / 2];
	struct session new = {.who = *who, .seen = now};
	size_t oldest = 0;

	enc_random(random, sizeof(random));
	enc_hex(random, sizeof(random), cookie);
	enc_sha256(cookie, AUTH_COOKIE_LEN - 1, new.hash);
	new.who.session = true;
	pthread_mutex_lock(&a->lock);
	new.who.serial = ++a->serial;
	for (size_t i = 1; i < a->sessions.n; i++) {
		if (a->sessions.v[i].seen < a->sessions.v[oldest].seen)
			oldest = i;
	}
	if (a->sessions.n >= AUTH_SESSIONS_MAX)
		VEC_REMOVE_SWAP(&a->sessions, oldest);
	VEC_PUSH(&a->sessions, new);
	pthread_mutex_unlock(&a->lock);
}

void auth_sign_out(struct auth *a, struct str cookie)
{
	struct session *s;

	pthread_mutex_lock(&a->lock);
	s = find_session(a, cookie, 0);
	if (s != NULL)
		VEC_REMOVE_SWAP(&a->sessions, (size_t)(s - a->sessions.v));
	pthread_mutex_unlock(&a->lock);
}

bool auth_holds(struct auth *a, const struct auth_who *who, int64_t now)
{
	/* Tokens and certificates are those of the start. */
	bool holds = !who->session || who->serial == 0;

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->sessions.n && !holds; i++)
		holds = a->sessions.v[i].who.serial == who->serial &&
			now - a->sessions.v[i].seen <= AUTH_SESSION_MS;
	pthread_mutex_unlock(&a->lock);
	return holds;
}

/* ---- hosts ----------------------------------------------------------------- */

static bool is_address(const char *host)
{
	struct in6_addr any;

	return inet_pton(AF_INET, host, &any) == 1 ||
		inet_pton(AF_INET6, host, &any) == 1;
}

bool auth_host(const struct auth *a, const char *host)
{
	struct str s = str_from(host ? host : "");
	size_t end = str_find(s, ':');
	char name[256];

	if (s.n > 0 && s.p[0] == '[') {
		s = str_cut(s, 1, str_find(s, ']'));
		end = s.n;
	}
	if (end == 0 || end >= sizeof(name))
		return false;
	memcpy(name, s.p, end);
	name[end] = '\0';
	if (is_address(name) || strcasecmp(name, "localhost") == 0)
		return true;
	for (size_t i = 0; i < a->hosts.n; i++) {
		if (strcasecmp(name, a->hosts.v[i]) == 0)
			return true;
	}
	return false;
}
