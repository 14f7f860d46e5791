/* The page's session: who is it, sign in, sign out. */
#include "logger/api_call.h"

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

static const char *const roles[] = {
	[AUTH_NOBODY] = "nobody", [AUTH_VIEWER] = "viewer",
	[AUTH_OPERATOR] = "operator"};

/* tokens: are there any to sign in with? */
static void tell(struct api_call *c, const struct auth_who *who,
	const char *cookie)
{
	struct json *j = json_new_object();
	struct strbuf body = {0};

	json_set_str(j, "role", roles[who->role]);
	json_set_str(j, "name", who->name[0] ? who->name : NULL);
	json_set_bool(j, "tokens", auth_asks(c->api->auth));
	json_set_str(j, "version", PULLWIRE_VERSION);
	json_write(j, &body);
	json_free(j);
	answer_with(c->req, 200, cookie, &body);
}

void api_get_session(struct api_call *c)
{
	tell(c, c->who, NULL);
}

static char *set_cookie(const struct api *a, const char *value, int64_t ms)
{
	return xprintf("Set-Cookie: pullwire=%s; Path=/; Max-Age=%lld; "
		       "HttpOnly; SameSite=Strict%s", value,
		(long long)ms / 1000, a->secure ? "; Secure" : "");
}

void api_sign_in(struct api_call *c)
{
	struct json *j = api_body(c);
	const char *token = json_str(json_get(j, "token"));
	char value[AUTH_COOKIE_LEN], *cookie;
	struct auth_who who;
	enum auth_result result;

	if (j == NULL)
		return;
	result = auth_token(c->api->auth, http_request_peer(c->req),
		str_from(token ? token : ""), clock_mono(), &who);
	json_free(j);
	if (result == AUTH_WAIT) {
		answer_error(c->req, 429, "Retry-After: 60", "too many wrong "
			"tokens came from this address; wait a minute");
	} else if (result != AUTH_OK) {
		answer_error(c->req, 401, NULL,
			"this token is not one of ours");
	} else {
		auth_sign_in(c->api->auth, &who, clock_mono(), value);
		cookie = set_cookie(c->api, value, AUTH_SESSION_MS);
		tell(c, &who, cookie);
		free(cookie);
	}
}

void api_sign_out(struct api_call *c)
{
	const struct auth_who nobody = {
		.role = auth_asks(c->api->auth) ? AUTH_NOBODY : AUTH_VIEWER};
	char *cookie = set_cookie(c->api, "", 0);

	auth_sign_out(c->api->auth, api_cookie(c->req));
	tell(c, &nobody, cookie);
	free(cookie);
}
