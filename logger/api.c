#include "logger/api.h"

#include <strings.h>

#include "logger/api_call.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

/*
 * The path is PREFIX, or with a suffix PREFIX, a non-empty id, SUFFIX. The
 * first that fits counts. role is what it needs at least. What reads the
 * store runs on one of the threads that may wait for it.
 */
static const struct route {
	const char *method, *prefix, *suffix;
	enum auth_role role;
	api_fn *run;
	enum { HERE, READER } where;
} routes[] = {
	{"GET", "/v1/records", NULL, AUTH_VIEWER, api_get_records, READER},
	{"GET", "/v1/records/", "", AUTH_VIEWER, api_get_record, READER},
	{"POST", "/v1/events/", "/redeliver", AUTH_OPERATOR, api_redeliver,
		READER},
	{"POST", "/v1/redeliver", NULL, AUTH_OPERATOR, api_redeliver_range, HERE},
	{"GET", "/v1/events/", "", AUTH_VIEWER, api_get_event, READER},
	{"GET", "/v1/stream", NULL, AUTH_VIEWER, api_get_stream, HERE},
	{"GET", "/v1/triggers", NULL, AUTH_VIEWER, api_get_triggers, READER},
	{"GET", "/v1/queue", NULL, AUTH_VIEWER, api_get_queue, HERE},
	{"GET", "/v1/processes", NULL, AUTH_VIEWER, api_get_processes, HERE},
	{"POST", "/v1/jobs/", "/approve", AUTH_OPERATOR, api_job, HERE},
	{"POST", "/v1/jobs/", "/hold", AUTH_OPERATOR, api_job, HERE},
	{"POST", "/v1/jobs/", "/release", AUTH_OPERATOR, api_job, HERE},
	{"POST", "/v1/jobs/", "/cancel", AUTH_OPERATOR, api_job, HERE},
	{"POST", "/v1/jobs/", "/retry", AUTH_OPERATOR, api_job, HERE},
	{"POST", "/v1/targets/", "/rollback", AUTH_OPERATOR, api_target, HERE},
	{"GET", "/v1/setup", NULL, AUTH_VIEWER, api_get_setup, HERE},
	{"GET", "/v1/session", NULL, AUTH_NOBODY, api_get_session, HERE},
	{"POST", "/v1/session", NULL, AUTH_NOBODY, api_sign_in, HERE},
	{"DELETE", "/v1/session", NULL, AUTH_NOBODY, api_sign_out, HERE},
	{"GET", "/metrics", NULL, AUTH_VIEWER, api_get_metrics, HERE},
	{"GET", "/readyz", NULL, AUTH_NOBODY, api_get_readyz, HERE},
	{"GET", "/healthz", NULL, AUTH_NOBODY, api_get_healthz, HERE},
	{"GET", "/", NULL, AUTH_NOBODY, api_get_page, HERE},
	{"GET", "/page/", "", AUTH_NOBODY, api_get_page, HERE},
};

/* ---- the path -------------------------------------------------------------- */

/* The id within the path; false: another path. */
static bool fits(const struct route *r, struct str path, struct str *id)
{
	size_t head = strlen(r->prefix);
	size_t tail = r->suffix ? strlen(r->suffix) : 0;

	*id = (struct str){"", 0};
	if (r->suffix == NULL)
		return str_is(path, r->prefix);
	if (path.n <= head + tail || !str_starts(path, str_from(r->prefix)) ||
		!str_is(str_cut(path, path.n - tail, path.n), r->suffix))
		return false;
	*id = str_cut(path, head, path.n - tail);
	return true;
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	p = c != '\0' ? strchr(digits, c) : NULL;
	return p != NULL ? (int)(p - digits) : -1;
}

/* Without %XX; NULL when it is malformed or has a NUL. The caller frees it. */
static char *decode(struct str s)
{
	char *out = xmalloc(s.n + 1), *to = out;

	for (size_t i = 0; i < s.n; i++) {
		int high, low;

		if (s.p[i] != '%') {
			*to++ = s.p[i];
			continue;
		}
		high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
		low = high < 0 ? -1 : hex(s.p[i + 2]);
		if (low < 0 || high * 16 + low == 0) {
			free(out);
			return NULL;
		}
		*to++ = (char)(high * 16 + low);
		i += 2;
	}
	*to = '\0';
	return out;
}

/* ---- who asks -------------------------------------------------------------- */

struct str api_cookie(const struct http_request *req)
{
	const char *all = http_request_header(req, "Cookie");
	struct str rest = str_from(all ? all : ""), one, name;

	while (str_split(&rest, ';', &one)) {
		one = str_trim(one);
		if (str_split(&one, '=', &name) && str_is(name, "pullwire"))
			return one;
	}
	return (struct str){"", 0};
}

static enum auth_result find_who(const struct api *a,
	const struct http_request *req, struct auth_who *who)
{
	const char *header = http_request_header(req, "Authorization");
	struct str cookie = api_cookie(req);
	int64_t now = clock_mono();
	const char *identity;

	*who = (struct auth_who){.role = AUTH_NOBODY};
	if (!auth_asks(a->auth)) {
		who->role = AUTH_VIEWER;
		return AUTH_OK;
	}
	if (header != NULL && strncasecmp(header, "Bearer ", 7) == 0)
		return auth_token(a->auth, http_request_peer(req),
			str_trim(str_from(header + 7)), now, who);
	if (cookie.n > 0 &&
		auth_session(a->auth, cookie, now, who) == AUTH_OK)
		return AUTH_OK;
	for (size_t i = 0; (identity = http_request_identity(req, i)); i++)
		if (auth_certificate(a->auth, identity, who) == AUTH_OK)
			return AUTH_OK;
	return AUTH_NONE;
}

/* Did another site's page make the browser send this? */
static bool is_foreign(const struct http_request *req)
{
	const char *site = http_request_header(req, "Sec-Fetch-Site");
	const char *origin = http_request_header(req, "Origin");
	const char *host = http_request_header(req, "Host");
	const char *at = origin ? strstr(origin, "://") : NULL;

	if (site && strcmp(site, "same-origin") != 0 &&
		strcmp(site, "none") != 0)
		return true;
	return origin && (!at || !host || strcasecmp(at + 3, host) != 0);
}

/* The role that the route needs; what is not shown is not there. */
static bool role_of(const struct api *a, const struct route *r,
	enum auth_role *role)
{
	int shown = r->run == api_get_metrics ? a->metrics :
		r->run == api_get_healthz || r->run == api_get_readyz
			? a->health : -1;

	*role = shown == SHOWN_VIEWERS ? AUTH_VIEWER :
		shown == SHOWN_ALL ? AUTH_NOBODY : r->role;
	return shown != SHOWN_NOBODY;
}

/* May who do this? Else it is answered. */
static bool admit(struct api *a, struct http_request *req,
	const struct route *r, enum auth_role role, struct auth_who *who)
{
	bool changes = strcmp(r->method, "GET") != 0;
	enum auth_result result = find_who(a, req, who);

	if (result == AUTH_WAIT) {
		answer_error(req, 429, "Retry-After: 60", "too many wrong "
			"tokens came from this address; wait a minute");
		return false;
	}
	if (changes && is_foreign(req)) {
		answer_error(req, 403, NULL, "this came from another site's "
			"page; only our own page may do that");
		return false;
	}
	if (changes && (who->session || role == AUTH_NOBODY) &&
		http_request_header(req, "X-Pullwire") == NULL) {
		answer_error(req, 403, NULL, "the header X-Pullwire is "
			"missing, by which we know our own page");
		return false;
	}
	if (who->role >= role)
		return true;
	if (!auth_asks(a->auth))
		answer_error(req, 403, NULL, "nobody may do anything here: "
			"`logger.tokens` is empty; `pullwire-logger token "
			"NAME operator` makes a token");
	else if (who->role == AUTH_NOBODY)
		answer_error(req, 401, "WWW-Authenticate: Bearer",
			result == AUTH_WRONG ? "this token is not one of ours" :
			"sign in, or send `Authorization: Bearer TOKEN`");
	else
		answer_error(req, 403, NULL, "this takes the role operator, "
			"%s is a viewer", who->name);
	return false;
}

/* ---- routes ---------------------------------------------------------------- */

static bool answer_fault(struct http_request *req)
{
	static const int statuses[] = {
		[HTTP_TOO_LARGE] = 413,
		[HTTP_BAD_REQUEST] = 400,
		[HTTP_BAD_ENCODING] = 415,
	};
	enum http_fault fault = http_request_fault(req);

	if (fault == HTTP_OK)
		return false;
	answer_error(req, statuses[fault], NULL, "%s",
		http_request_fault_text(req));
	return true;
}

/* A call that waits for one of the threads that read. */
struct reading {
	struct api_call call;
	struct auth_who who;
	char *id;
	api_fn *run;
};

static void read_now(void *ctx, bool late)
{
	struct reading *r = ctx;

	if (late)
		answer_error(r->call.req, 503, "Retry-After: 5", "more is "
			"asked of the store than it can answer, or it is slow");
	else
		r->run(&r->call);
	free(r->id);
	free(r);
}

static void run_now(struct api_call *c, api_fn *run)
{
	run(c);
}

static void read_later(struct api_call *c, api_fn *run)
{
	struct reading *r = xcalloc(1, sizeof(*r));

	r->call = *c;
	r->who = *c->who;
	r->id = xstrdup(c->id);
	r->call.who = &r->who;
	r->call.id = r->id;
	r->run = run;
	readers_put(c->api->readers, read_now, r);
}

static void run(struct api *a, struct http_request *req,
	const struct route *r, struct str id)
{
	struct auth_who who;
	enum auth_role role;
	char *text = decode(id);
	struct api_call c = {.api = a, .req = req, .who = &who, .id = text,
		.verb = r->suffix && *r->suffix ? r->suffix + 1 : ""};

	if (text == NULL)
		answer_error(req, 400, NULL,
			"the path is not percent-encoded well");
	else if (!role_of(a, r, &role))
		answer_error(req, 404, NULL, "this is not served here; "
			"`logger.metrics` and `logger.health` say so");
	else if (admit(a, req, r, role, &who))
		(r->where == READER ? read_later : run_now)(&c, r->run);
	free(text);
}

/* No route has this method; which has the path? */
static void answer_no_route(struct http_request *req, struct str path)
{
	struct strbuf allow = {0};
	struct str id;

	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (fits(&routes[i], path, &id))
			strbuf_addf(&allow, "%s%s", allow.len ? ", " :
				"Allow: ", strcmp(routes[i].method, "GET") == 0
				? "GET, HEAD" : routes[i].method);
	}
	if (allow.len)
		answer_error(req, 405, strbuf_cstr(&allow),
			"this is not served with %s",
			http_request_method(req));
	else
		answer_error(req, 404, NULL, "nothing is served here; "
			"docs/openapi.yaml has what is");
	strbuf_release(&allow);
}

void api_handle(void *ctx, struct http_request *req)
{
	struct api *a = ctx;
	struct str path = str_from(http_request_path(req)), id;
	const char *method = http_request_method(req);

	if (answer_fault(req))
		return;
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	if (!str_is(path, "/healthz") &&
		!auth_host(a->auth, http_request_header(req, "Host"))) {
		answer_error(req, 421, NULL, "this is not served by that "
			"name; `logger.hosts` says which there are");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		if (strcmp(method, routes[i].method) != 0 ||
			!fits(&routes[i], path, &id))
			continue;
		run(a, req, &routes[i], id);
		return;
	}
	answer_no_route(req, path);
}

struct json *api_body(struct api_call *c)
{
	struct str body = http_request_body(c->req);
	struct err err = {0};
	struct json *j;

	if (body.n == 0)
		return json_new_object();
	j = json_parse(body, NULL, &err);
	if (j != NULL && json_kind(j) == JSON_OBJECT)
		return j;
	answer_error(c->req, 400, NULL, "the body is no JSON object%s%s",
		j ? "" : ": ", j ? "" : err.text);
	json_free(j);
	return NULL;
}

void api_set_conf(struct api *a, struct conf *conf)
{
	struct conf *before;

	pthread_mutex_lock(&a->lock);
	before = a->conf;
	a->conf = conf_ref(conf);
	pthread_mutex_unlock(&a->lock);
	conf_free(before);
}
