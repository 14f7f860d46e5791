#include "deployer/http/notification.h"

#include <strings.h>

#include "proto/base/enc.h"
#include "proto/data/json.h"
#include "proto/msg/record.h"

#define CHINA_OFFSET_MS ((int64_t)8 * 3600 * 1000)
#define HASH_BYTES 8

/* ---- the body ----------------------------------------------------------------- */

static void member(struct strbuf *out, const char *name, const char *value,
	const char *fallback)
{
	if (out->buf[out->len - 1] != '{')
		strbuf_add_char(out, ',');
	json_write_str(str_from(name), out);
	strbuf_add_char(out, ':');
	json_write_str(
		str_from(value && *value ? value : fallback), out);
}

/* "2016-11-29 12:25:46" */
static void china_time(int64_t utc_ms, char buf[STR_TIME_LEN])
{
	str_time(utc_ms + CHINA_OFFSET_MS, buf);
	buf[10] = ' ';
	buf[19] = '\0';
}

void notification_body(const struct event *e, struct strbuf *out)
{
	char pushed[STR_TIME_LEN], space[256];
	const char *slash = strrchr(e->repository, '/');

	china_time(e->pushed_at ? e->pushed_at : e->time, pushed);
	snprintf(space, sizeof(space), "%.*s",
		slash ? (int)(slash - e->repository) : 0, e->repository);
	strbuf_add_cstr(out, "{\"push_data\":{");
	member(out, "digest", e->digest, "");
	member(out, "pushed_at", pushed, "");
	member(out, "tag", e->tag, "");
	strbuf_add_cstr(out, "},\"repository\":{");
	member(out, "date_created", e->date_created, pushed);
	member(out, "name", slash ? slash + 1 : e->repository, "");
	member(out, "namespace", space, "");
	member(out, "region", e->region, "");
	member(out, "repo_authentication_type", e->auth_type, "NO_CERTIFIED");
	member(out, "repo_full_name", e->repository, "");
	member(out, "repo_origin_type", e->origin_type, "NO_CERTIFIED");
	member(out, "repo_type", e->repo_type, "PUBLIC");
	strbuf_add_cstr(out, "}}");
}

char *notification_id(const struct job *job, char buf[NOTIFICATION_ID_LEN])
{
	unsigned char hash[ENC_SHA256_LEN];
	char hex[2 * HASH_BYTES + 1];

	enc_sha256(job->trigger, strlen(job->trigger), hash);
	enc_hex(hash, HASH_BYTES, hex);
	snprintf(buf, NOTIFICATION_ID_LEN, "%.36s-%s", job->event.id, hex);
	return buf;
}

/* ---- the outcome ---------------------------------------------------------------- */

const char *notification_status(const struct http_result *res,
	const struct err *err, char buf[8])
{
	if (!err) {
		snprintf(buf, 8, "%d", res->status);
		return buf;
	}
	switch ((enum http_failure)err->code) {
	case HTTP_FAIL_TIMEOUT:
		return "timeout";
	case HTTP_FAIL_DNS:
		return "dns_error";
	case HTTP_FAIL_TLS:
		return "tls_error";
	case HTTP_FAIL_TLS_EXPIRED:
		return "tls_expired";
	case HTTP_FAIL_TLS_NOT_YET:
		return "tls_not_yet_valid";
	case HTTP_FAIL_TLS_SELF_SIGNED:
		return "tls_self_signed";
	case HTTP_FAIL_TLS_UNTRUSTED:
		return "tls_untrusted";
	case HTTP_FAIL_TLS_INCOMPLETE:
		return "tls_incomplete";
	case HTTP_FAIL_TLS_WRONG_NAME:
		return "tls_wrong_name";
	case HTTP_FAIL_TLS_WEAK:
		return "tls_weak";
	case HTTP_FAIL_TLS_VERSION:
		return "tls_version";
	case HTTP_FAIL_ADDRESS:
		return "blocked_address";
	default: /* no connection, or what came was no HTTP answer */
		return "connect_error";
	}
}

bool notification_delivered(const struct http_result *res,
	const struct err *err)
{
	return !err && res->status >= 200 && res->status <= 299;
}

bool notification_slow(const struct http_result *res, const struct err *err)
{
	if (err)
		return err->code == HTTP_FAIL_TIMEOUT;
	return res->status == 429 || res->status == 502 || res->status == 504;
}

/* ---- for the row ------------------------------------------------------------------ */

struct header {
	struct str name, value;
};

/* "Name: value" */
static bool next_header(struct str *rest, struct header *h)
{
	struct str line;
	size_t colon;

	if (!str_split(rest, '\n', &line))
		return false;
	colon = str_find(line, ':');
	h->name = str_cut(line, 0, colon);
	h->value = str_trim(str_cut(line, colon + 1, line.n));
	return true;
}

static bool same_name(struct str a, struct str b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* A repeated header becomes one, its values joined as RFC 9110, 5.3 does. */
static void write_headers(struct str lines, struct strbuf *out)
{
	struct header h, other;
	size_t before = out->len;

	strbuf_add_char(out, '{');
	for (struct str rest = lines; next_header(&rest, &h);) {
		struct strbuf value = {0};
		bool first = true;

		if (h.name.n == 0)
			continue;
		for (struct str r = lines; next_header(&r, &other);) {
			if (!same_name(h.name, other.name))
				continue;
			if (other.name.p < h.name.p)
				first = false;
			if (value.len)
				strbuf_add_cstr(&value, ", ");
			strbuf_add_str(&value, other.value);
		}
		if (first) {
			if (out->len > before + 1)
				strbuf_add_char(out, ',');
			json_write_str(h.name, out);
			strbuf_add_char(out, ':');
			json_write_str(strbuf_str(&value), out);
		}
		strbuf_release(&value);
	}
	strbuf_add_char(out, '}');
}

/* Ends the object with what of the body has room, escaped. */
static void write_body(struct str body, struct strbuf *out)
{
	size_t start;

	strbuf_add_cstr(out, ",\"body\":");
	start = out->len;
	for (size_t n = body.n;; n /= 2) {
		json_write_str(str_cut(body, 0, n), out);
		if (out->len < RECORD_DETAIL_MAX || n == 0)
			break;
		strbuf_truncate(out, start);
	}
	strbuf_add_char(out, '}');
}

void notification_request(const char *method, const char *url, bool by_proxy,
	const char *const *headers, size_t n, struct str body, struct strbuf *out)
{
	struct strbuf lines = {0};

	for (size_t i = 0; i < n; i++)
		strbuf_addf(&lines, "%s%s", i ? "\n" : "", headers[i]);
	strbuf_addf(out, "{\"method\":\"%s\",\"url\":", method);
	json_write_str(str_from(url), out);
	if (by_proxy)
		strbuf_add_cstr(out, ",\"via\":\"proxy\"");
	strbuf_add_cstr(out, ",\"headers\":");
	write_headers(strbuf_str(&lines), out);
	write_body(body, out);
	strbuf_release(&lines);
}

void notification_response(const struct http_result *res, struct strbuf *out)
{
	size_t start;

	strbuf_addf(out, "{\"status\":%d,\"headers\":", res->status);
	start = out->len;
	write_headers(strbuf_str(&res->headers), out);
	if (out->len > RECORD_DETAIL_MAX / 2) {
		strbuf_truncate(out, start);
		strbuf_add_cstr(out, "{}");
	}
	write_body(strbuf_str(&res->body), out);
}
