#include "deployer/registry/registry_ask.h"

#include <strings.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"
#include "proto/io/http_client.h"

#define CONNECT_MS 5000
#define TOTAL_MS 10000
#define BODY_MAX ((size_t)4 << 20)
#define CHALLENGE_MAX 1000

static const char accept[] =
	"Accept: application/vnd.oci.image.index.v1+json, "
	"application/vnd.docker.distribution.manifest.list.v2+json, "
	"application/vnd.oci.image.manifest.v1+json, "
	"application/vnd.docker.distribution.manifest.v2+json";

/* One question under way. */
struct asking {
	const struct registry_ask *ask;
	const char *scheme;
	struct strbuf proof; /* "Authorization: …", or empty */
	struct http_result res;
};

/* ---- texts ------------------------------------------------------------------ */

bool registry_is_loopback(const char *host)
{
	struct str h = str_from(host);

	if (str_starts(h, STR("[::1]")))
		return true;
	h = str_cut(h, 0, str_find(h, ':'));
	return str_is(h, "localhost") ||
		(str_starts(h, STR("127.")) &&
			strspn(h.p, "0123456789.") == h.n);
}

/* The value after '=': a token, or a quoted string. The rest is returned. */
static const char *take_value(const char *p, struct strbuf *out)
{
	if (*p != '"') {
		while (*p && *p != ',' && *p != ' ')
			strbuf_add_char(out, *p++);
		return p;
	}
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		strbuf_add_char(out, *p);
	}
	return *p ? p + 1 : p;
}

bool registry_challenge(const char *challenge, const char *name, char *out,
	size_t n)
{
	const char *p = strchr(challenge, ' ');
	bool found = false;

	while (p && *p && !found) {
		struct strbuf value = {0};
		size_t len;

		p += strspn(p, " ,");
		len = strcspn(p, "= ,");
		found = len == strlen(name) && strncasecmp(p, name, len) == 0 &&
			p[len] == '=';
		p = p[len] == '=' ? take_value(p + len + 1, &value) : p + len;
		if (found && value.len < n)
			snprintf(out, n, "%s", strbuf_cstr(&value));
		else
			found = found && value.len < n;
		strbuf_release(&value);
	}
	return found;
}

static bool is_safe(const char *s)
{
	return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789._-/")] == '\0' &&
		strstr(s, "..") == NULL;
}

static void add_encoded(struct strbuf *out, const char *s)
{
	for (; *s; s++)
		if (strchr("-._~", *s) || (*s >= '0' && *s <= '9') ||
			(*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))
			strbuf_add_char(out, *s);
		else
			strbuf_addf(out, "%%%02X", (unsigned char)*s);
}

/* ---- one exchange ----------------------------------------------------------- */

static int call(struct asking *q, const char *method, const char *url,
	struct str body, struct err *err)
{
	const char *headers[3] = {accept};
	struct http_call c = {
		.method = method,
		.url = url,
		.headers = headers,
		.n_headers = 1,
		.body = body,
		.connect_ms = CONNECT_MS,
		.total_ms = TOTAL_MS,
		.max_body = BODY_MAX,
	};

	if (q->proof.len)
		headers[c.n_headers++] = strbuf_cstr(&q->proof);
	if (body.n)
		headers[c.n_headers++] =
			"Content-Type: application/x-www-form-urlencoded";
	http_result_release(&q->res);
	q->res = (struct http_result){0};
	return http_perform(NULL, &c, &q->res, err);
}

static int manifest(struct asking *q, const char *method, struct err *err)
{
	/* Docker Hub's registry has another name than its images. */
	bool hub = conf_host_is_hub(str_from(q->ask->host));
	const char *path = q->ask->repository;
	char *url = xprintf("%s://%s/v2/%s%s/manifests/%s", q->scheme,
		hub ? "registry-1.docker.io" : q->ask->host,
		hub && !strchr(path, '/') ? "library/" : "", path,
		q->ask->tag);
	int rc = call(q, method, url, (struct str){0}, err);

	free(url);
	return rc;
}

/* ---- the login -------------------------------------------------------------- */

static void prove_basic(struct asking *q)
{
	const struct registry_auth *login = q->ask->login;
	struct strbuf pair = {0};

	registry_auth_wipe(&q->proof);
	if (!login->server || login->token)
		return;
	strbuf_addf(&pair, "%s:%s", login->user, login->secret.p);
	strbuf_add_cstr(&q->proof, "Authorization: Basic ");
	enc_base64(pair.buf, pair.len, &q->proof);
	registry_auth_wipe(&pair);
}

/* The realm's answer: {"token"} or {"access_token"}. */
static int take_token(struct asking *q, struct err *err)
{
	struct json *j = q->res.status == 200
		? json_parse(strbuf_str(&q->res.body), NULL, NULL)
		: NULL;
	const char *token = json_str(json_get(j, "token"));
	int rc = 0;

	if (!token)
		token = json_str(json_get(j, "access_token"));
	registry_auth_wipe(&q->proof);
	if (q->res.status == 401 || q->res.status == 403)
		rc = err_set(err, ERR_FAIL, 401,
			"its token server answers %d", q->res.status);
	else if (!token || strpbrk(token, "\r\n"))
		rc = err_set(err, ERR_RETRY, q->res.status,
			"its token server gives no token (status %d)",
			q->res.status);
	else
		strbuf_addf(&q->proof, "Authorization: Bearer %s", token);
	json_free(j);
	registry_auth_wipe(&q->res.body);
	return rc;
}

static int ask_realm(struct asking *q, const char *realm, const char *service,
	const char *scope, struct err *err)
{
	const struct registry_auth *login = q->ask->login;
	bool refresh = login->server && login->token;
	struct strbuf query = {0}, url = {0};
	int rc;

	if (refresh)
		strbuf_add_cstr(&query, "grant_type=refresh_token&"
					"client_id=pullwire&");
	strbuf_add_cstr(&query, "service=");
	add_encoded(&query, service);
	strbuf_add_cstr(&query, "&scope=");
	add_encoded(&query, scope);
	if (refresh) {
		strbuf_add_cstr(&query, "&refresh_token=");
		add_encoded(&query, login->secret.p);
		registry_auth_wipe(&q->proof);
		rc = call(q, "POST", realm, strbuf_str(&query), err);
	} else {
		prove_basic(q);
		strbuf_addf(&url, "%s%c%s", realm, strchr(realm, '?') ? '&'
			: '?', strbuf_cstr(&query));
		rc = call(q, "GET", strbuf_cstr(&url), (struct str){0}, err);
	}
	registry_auth_wipe(&query);
	strbuf_release(&url);
	return rc == 0 ? take_token(q, err)
		       : err_prefix(err, "its token server");
}

static int login(struct asking *q, struct err *err)
{
	char challenge[CHALLENGE_MAX], realm[CHALLENGE_MAX], service[256] = "";
	char scope[CHALLENGE_MAX];
	bool plain = strcmp(q->scheme, "http") == 0;

	if (!http_result_header(&q->res, "WWW-Authenticate", challenge,
		    sizeof(challenge)))
		return err_fail(err, "it answers 401 and does not say what "
				     "it wants");
	if (strncasecmp(challenge, "Basic", 5) == 0) {
		prove_basic(q);
		return 0;
	}
	if (strncasecmp(challenge, "Bearer ", 7) != 0 ||
		!registry_challenge(challenge, "realm", realm, sizeof(realm)))
		return err_fail(err, "it wants another kind of login than "
				     "Basic or Bearer");
	if (strncmp(realm, "https://", 8) != 0 &&
		(!plain || strncmp(realm, "http://", 7) != 0))
		return err_fail(
			err, "its token server is not reached by https");
	registry_challenge(challenge, "service", service, sizeof(service));
	if (!registry_challenge(challenge, "scope", scope, sizeof(scope)))
		snprintf(scope, sizeof(scope), "repository:%s:pull",
			q->ask->repository);
	return ask_realm(q, realm, service, scope, err);
}

/* ---- the whole -------------------------------------------------------------- */

/* Its header, else the hash of what it is (some registries tell none). */
static int take_digest(struct asking *q, char digest[DRIVER_DIGEST_MAX],
	struct err *err)
{
	char hex[ENC_SHA256_HEX];

	if (http_result_header(&q->res, "Docker-Content-Digest", digest,
		    DRIVER_DIGEST_MAX))
		return 0;
	if (manifest(q, "GET", err) != 0)
		return -1;
	if (q->res.status != 200)
		return err_set(err, ERR_RETRY, q->res.status,
			"it answers %d", q->res.status);
	enc_sha256_hex(q->res.body.buf, q->res.body.len, hex);
	snprintf(digest, DRIVER_DIGEST_MAX, "sha256:%s", hex);
	return 0;
}

static int judge(const struct asking *q, struct err *err)
{
	int status = q->res.status;
	bool known = q->ask->login->server != NULL;

	if (status == 200)
		return 0;
	if (status == 401 || status == 403)
		return err_set(err, ERR_FAIL, status, known
				? "it does not take the login that %s has (%d)"
				: "there is no login for it in %s (%d)",
			q->ask->login->from ? q->ask->login->from
					    : "a config.json", status);
	/* 404 too: it may announce a push before it shows it. */
	return err_set(err, ERR_RETRY, status, status == 404
			? "it has no such tag (%d)" : "it answers %d", status);
}

static int ask_by(struct asking *q, char digest[DRIVER_DIGEST_MAX],
	struct err *err)
{
	if (manifest(q, "HEAD", err) != 0)
		return -1;
	if (q->res.status == 401) {
		if (login(q, err) != 0)
			return err->code == 401 ? judge(q, err) : -1;
		if (manifest(q, "HEAD", err) != 0)
			return -1;
	}
	return judge(q, err) == 0 ? take_digest(q, digest, err) : -1;
}

int registry_ask(const struct registry_ask *ask,
	char digest[DRIVER_DIGEST_MAX], struct err *err)
{
	struct asking q = {.ask = ask, .scheme = "https"};
	struct err e = {0};
	int rc;

	if (!is_safe(ask->repository) || !is_safe(ask->tag))
		return err_fail(err, "the push names no image");
	rc = ask_by(&q, digest, &e);
	if (rc != 0 && q.res.status == 0 && e.code != HTTP_FAIL_DNS &&
		(ask->insecure || registry_is_loopback(ask->host))) {
		q.scheme = "http";
		registry_auth_wipe(&q.proof);
		rc = ask_by(&q, digest, &e);
	}
	http_result_release(&q.res);
	registry_auth_wipe(&q.proof);
	if (rc != 0)
		err_set(err, e.cls, e.code,
			"registry %s could not be asked what %s:%s is: %s",
			ask->host, ask->repository, ask->tag, e.text);
	return rc;
}
