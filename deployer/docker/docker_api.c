#include "deployer/docker/docker_api.h"

#include "deployer/docker/docker_denied.h"
#include "deployer/docker/docker_version.h"
#include "deployer/registry/registry_auth.h"
#include "proto/base/mem.h"
#include "proto/io/http_client.h"

#define UNIX STR("unix://")
#define TCP STR("tcp://")
#define CALL_MS 120000
#define PING_MS 5000
#define CONNECT_MS 5000
#define ANSWER_MAX ((size_t)16 << 20)
#define NODES_MAX 2000000

struct docker_api {
	struct http_conn *conn;
	char *endpoint;
	const char *socket; /* within endpoint; NULL: tcp */
	char *base;	    /* "https://host:2376" */
	char *ca, *cert, *key;
	int minor; /* 0: to be negotiated */
	unsigned connections;
	char platform[64];
};

/* The files of the engine's own keys, else those of DOCKER_CERT_PATH. */
static int find_tls(struct docker_api *api, const struct conf_engine *engine,
	struct err *err)
{
	const struct conf_engine_tls *tls = &engine->tls;
	const char *dir = getenv("DOCKER_CERT_PATH");

	if (tls->cert != NULL) {
		api->ca = xstrdup_null(tls->ca);
		api->cert = xstrdup(tls->cert);
		api->key = xstrdup_null(tls->key);
		return 0;
	}
	if (dir == NULL || *dir == '\0')
		return err_fail(err, "engine address %s needs `tls`, or "
			"`insecure: true`", engine->docker);
	api->ca = xprintf("%s/ca.pem", dir);
	api->cert = xprintf("%s/cert.pem", dir);
	api->key = xprintf("%s/key.pem", dir);
	return 0;
}

static int find_way(struct docker_api *api, const struct conf_engine *engine,
	struct err *err)
{
	struct str address = str_from(api->endpoint);

	if (str_starts(address, UNIX) && api->endpoint[UNIX.n] == '/') {
		api->socket = api->endpoint + UNIX.n;
		api->base = xstrdup("http://localhost");
		return 0;
	}
	if (!str_starts(address, TCP))
		return err_fail(err, "engine address %s is neither "
			"unix:///path nor tcp://host:port", api->endpoint);
	api->base = xprintf("%s://%s", engine->insecure ? "http" : "https",
		api->endpoint + TCP.n);
	return engine->insecure ? 0 : find_tls(api, engine, err);
}

struct docker_api *docker_api_open(
	const struct conf_engine *engine, struct err *err)
{
	struct docker_api *api = xcalloc(1, sizeof(*api));

	api->endpoint = xstrdup(engine->docker);
	if (find_way(api, engine, err) != 0) {
		docker_api_close(api);
		return NULL;
	}
	api->conn = http_conn_new();
	return api;
}

void docker_api_close(struct docker_api *api)
{
	if (api == NULL)
		return;
	http_conn_free(api->conn);
	free(api->endpoint);
	free(api->base);
	free(api->ca);
	free(api->cert);
	free(api->key);
	free(api);
}

const char *docker_api_endpoint(const struct docker_api *api)
{
	return api->endpoint;
}

int docker_api_minor(const struct docker_api *api)
{
	return api->minor;
}

const char *docker_api_platform(const struct docker_api *api)
{
	return api->platform;
}

bool docker_api_unreachable(const struct err *err)
{
	return err->code == DOCKER_API_NO_ANSWER;
}

/* ---- texts ------------------------------------------------------------------ */

struct json *docker_api_parse(struct strbuf *text, struct err *err)
{
	static const struct json_limits limits = {.nodes = NODES_MAX};
	struct json *j;

	for (size_t i = 0; i + 1 < text->len; i++) {
		if (text->buf[i] != '\\')
			continue;
		if (text->len - i >= 6 && memcmp(text->buf + i, "\\u0000", 6) == 0)
			memcpy(text->buf + i, "\\ufffd", 6);
		i++; /* what is escaped is no backslash of its own */
	}
	j = json_parse(strbuf_str(text), &limits, err);
	if (j == NULL)
		err_prefix(err, "the engine's answer is not the JSON it should be");
	return j;
}

void docker_api_encode(struct strbuf *out, struct str text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\0' && strchr(plain, text.p[i]) != NULL)
			strbuf_add_char(out, text.p[i]);
		else
			strbuf_addf(out, "%%%02X", (unsigned char)text.p[i]);
}

char *docker_api_shorten(struct str text, char *out, size_t n)
{
	static const char gap[] = " ... ";
	size_t head;

	if (text.n < n)
		return str_safe(text, out, n);
	str_safe(text, out, n / 3);
	head = strlen(out);
	memcpy(out + head, gap, sizeof(gap));
	head += strlen(gap);
	str_safe(str_cut(text, text.n - (n - head - 1), text.n), out + head,
		n - head);
	return out;
}

/* The engine's own words: {"message"}, or plain text from what stands before
 * the API proper. */
static void message(struct strbuf *body, char *out, size_t n)
{
	struct json *j = docker_api_parse(body, NULL);
	const char *text = json_str(json_get(j, "message"));
	struct str s = str_from(text);

	if (text == NULL)
		s = str_cut(strbuf_str(body), 0, 300);
	while (s.n > 0 && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '.'))
		s.n--;
	docker_api_shorten(s, out, n);
	json_free(j);
}

/* ---- one exchange ----------------------------------------------------------- */

/* As docker_api_do(), on the path as it is; no error text for the status. */
static int exchange(struct docker_api *api, const struct docker_request *req,
	const char *path, struct http_result *res, struct err *err)
{
	struct strbuf url = {0}, body = {0}, auth = {0};
	const char *headers[2];
	struct http_call call = {
		.method = req->method,
		.unix_socket = api->socket,
		.tls_ca = api->ca,
		.tls_cert = api->cert,
		.tls_key = api->key,
		.connect_ms = CONNECT_MS,
		.total_ms = req->total_ms,
		.stall_ms = req->stall_ms,
		.max_body = req->raw != NULL ? req->raw_max : ANSWER_MAX,
		.truncate = req->raw != NULL,
		.on_data = req->on_data,
		.ctx = req->ctx,
		.headers = headers,
	};
	struct err low = {0};
	char denied[360];
	int rc;

	strbuf_addf(&url, "%s%s", api->base, path);
	call.url = strbuf_cstr(&url);
	if (req->body != NULL) {
		json_write(req->body, &body);
		call.body = strbuf_str(&body);
		headers[call.n_headers++] = "Content-Type: application/json";
	}
	if (req->auth != NULL && *req->auth != '\0') {
		strbuf_addf(&auth, "X-Registry-Auth: %s", req->auth);
		headers[call.n_headers++] = strbuf_cstr(&auth);
	}
	rc = http_perform(api->conn, &call, res, &low);
	api->connections += res->connected;
	strbuf_release(&url);
	strbuf_release(&body);
	registry_auth_wipe(&auth);
	if (rc == 0)
		return 0;
	/* Whoever answers next may be another version. */
	api->minor = 0;
	return err_set(err, ERR_RETRY, DOCKER_API_NO_ANSWER,
		"the engine at %s does not answer: %s", api->endpoint,
		api->socket != NULL &&
				docker_denied(
					api->socket, denied, sizeof(denied))
			? denied
			: low.text);
}

static int finish(const struct docker_request *req, struct http_result *res,
	struct err *err)
{
	char text[320];

	if ((res->status < 200 || res->status > 299) && res->status != 304) {
		message(&res->body, text, sizeof(text));
		return err_set(err,
			res->status >= 500 ? ERR_RETRY : ERR_FAIL, res->status,
			"%s", *text != '\0' ? text : "the engine gave no reason");
	}
	if (req->header != NULL)
		http_result_header(
			res, req->header, req->header_value, req->header_max);
	if (req->answer != NULL) {
		*req->answer = docker_api_parse(&res->body, err);
		return *req->answer != NULL ? 0 : -1;
	}
	if (req->raw != NULL)
		strbuf_add_str(req->raw, strbuf_str(&res->body));
	return 0;
}

static bool is_version_error(const struct err *err)
{
	return err->code == 400 && strstr(err->text, "client version") != NULL;
}

static int do_once(struct docker_api *api, const struct docker_request *req,
	struct err *err)
{
	struct http_result res = {0};
	struct strbuf path = {0};
	int rc;

	if (docker_api_negotiate(api, err) != 0)
		return -1;
	strbuf_addf(&path, "/v1.%d%s", api->minor, req->path);
	rc = exchange(api, req, strbuf_cstr(&path), &res, err);
	if (rc == 0)
		rc = finish(req, &res, err);
	strbuf_release(&path);
	http_result_release(&res);
	return rc;
}

int docker_api_do(struct docker_api *api, const struct docker_request *req,
	struct err *err)
{
	struct err first;

	if (do_once(api, req, &first) == 0)
		return 0;
	if (is_version_error(&first)) {
		api->minor = 0;
		return do_once(api, req, err);
	}
	if (err != NULL)
		*err = first;
	return -1;
}

int docker_api_call(struct docker_api *api, const char *method,
	const char *path, const struct json *body, struct json **answer,
	struct err *err)
{
	const struct docker_request req = {
		.method = method,
		.path = path,
		.body = body,
		.total_ms = CALL_MS,
		.answer = answer,
	};

	return docker_api_do(api, &req, err);
}

/* ---- version ---------------------------------------------------------------- */

static int choose(struct docker_api *api, const struct json *version,
	struct err *err)
{
	const char *os = json_str(json_get(version, "Os"));
	const char *arch = json_str(json_get(version, "Arch"));
	int v = docker_version_choose(version, api->endpoint, err);

	if (v < 0)
		return -1;
	snprintf(api->platform, sizeof(api->platform), "%s/%s",
		os != NULL ? os : "", arch != NULL ? arch : "");
	api->minor = v;
	return 0;
}

int docker_api_negotiate(struct docker_api *api, struct err *err)
{
	struct json *version = NULL;
	const struct docker_request req = {
		.method = "GET",
		.total_ms = CALL_MS,
		.answer = &version,
	};
	struct http_result res = {0};
	int rc;

	if (api->minor != 0)
		return 0;
	rc = exchange(api, &req, "/version", &res, err);
	if (rc == 0)
		rc = finish(&req, &res, err);
	if (rc == 0)
		rc = choose(api, version, err);
	json_free(version);
	http_result_release(&res);
	return rc;
}

int docker_api_ping(struct docker_api *api, struct err *err)
{
	const struct docker_request req = {
		.method = "GET",
		.total_ms = PING_MS,
	};
	struct http_result res = {0};
	int rc = exchange(api, &req, "/_ping", &res, err);

	if (rc == 0 && finish(&req, &res, err) != 0)
		rc = err_prefix(err, "the engine at %s", api->endpoint);
	http_result_release(&res);
	return rc;
}

int docker_api_ping_anew(struct docker_api *api, struct err *err)
{
	struct http_conn *kept = api->conn;
	int rc;

	api->conn = http_conn_new();
	rc = docker_api_ping(api, err);
	http_conn_free(api->conn);
	api->conn = kept;
	return rc;
}

unsigned docker_api_connections(const struct docker_api *api)
{
	return api->connections;
}
