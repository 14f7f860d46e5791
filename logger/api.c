#include "logger/api.h"

#include <stdarg.h>

#include "logger/exposition.h"
#include "logger/row.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

#define PAGE_MAX ((size_t)32 << 20) /* bytes of an answer */
#define RECORDS "/v1/records"

static const char *const headers[] = {
	"Cache-Control: no-store",
	"X-Content-Type-Options: nosniff",
	"Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
	"Referrer-Policy: no-referrer",
	"Cross-Origin-Resource-Policy: same-origin",
	"Allow: GET, HEAD", /* with 405 only */
};

static void answer(struct http_request *req, int status, struct strbuf *body)
{
	strbuf_add_char(body, '\n');
	http_reply(req, status, "application/json", strbuf_str(body), headers,
		ARRAY_LEN(headers) - (status == 405 ? 0 : 1));
	strbuf_release(body);
}

static void answer_error(struct http_request *req, int status,
	const char *fmt, ...) PRINTF_LIKE(3, 4);

static void answer_error(struct http_request *req, int status,
	const char *fmt, ...)
{
	struct strbuf body = {0};
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	strbuf_add_cstr(&body, "{\"error\":");
	json_write_str(str_from(text), &body);
	strbuf_add_char(&body, '}');
	answer(req, status, &body);
}

/* ---- a page of rows ------------------------------------------------------- */

static int read_query(struct http_request *req, struct query *q,
	struct err *err)
{
	const char *key, *value, *before, *unused;
	int64_t now = clock_wall();

	for (size_t i = 0; http_request_query_at(req, i, &key, &value); i++) {
		for (size_t k = 0; k < i; k++) {
			http_request_query_at(req, k, &before, &unused);
			if (strcmp(before, key) == 0)
				return err_fail(err, "%.64s: given twice", key);
		}
		if (query_set(q, key, value ? value : "", now, err) < 0)
			return -1;
	}
	return 0;
}

struct page {
	struct strbuf body;
	int64_t rows, limit;
	struct query_cursor last;
	bool more;
};

/* The query asks for one row above the limit: it says that there is more. */
static int add_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct page *p = ctx;

	if (p->rows == p->limit) {
		p->more = true;
		return 1;
	}
	if (p->rows++ > 0)
		strbuf_add_char(&p->body, ',');
	row_json(r, &p->body);
	p->last = *at;
	return 0;
}

static void answer_page(struct http_request *req, struct page *p)
{
	char cursor[QUERY_CURSOR_LEN];

	strbuf_add_cstr(&p->body, "],\"next\":");
	if (p->more)
		strbuf_addf(&p->body, "\"%s\"", query_cursor(&p->last, cursor));
	else
		strbuf_add_cstr(&p->body, "null");
	strbuf_add_char(&p->body, '}');
	if (!p->body.failed) {
		answer(req, 200, &p->body);
		return;
	}
	strbuf_release(&p->body);
	answer_error(req, 400, "limit: these rows are too large for one page; "
		"ask for fewer");
}

static void get_records(struct api *a, struct http_request *req)
{
	struct page p = {.body = {.limit = PAGE_MAX}};
	struct err err = {0};
	struct query q;

	query_init(&q);
	if (read_query(req, &q, &err) < 0) {
		answer_error(req, 400, "%s", err.text);
		query_release(&q);
		return;
	}
	p.limit = q.limit++;
	strbuf_add_cstr(&p.body, "{\"records\":[");
	if (store_query(a->store, &q, add_row, &p, &err) < 0) {
		strbuf_release(&p.body);
		answer_error(req, 503, "%s", err.text);
	} else {
		answer_page(req, &p);
	}
	query_release(&q);
}

/* ---- one row --------------------------------------------------------------- */

static int hex(char c)
{
	const char *digits = "0123456789abcdef", *p;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	p = c != '\0' ? strchr(digits, c) : NULL;
	return p != NULL ? (int)(p - digits) : -1;
}

/* The path's tail without %XX; NULL when it is malformed or has a NUL. The
 * caller frees it. */
static char *decode(const char *s)
{
	char *out = xstrdup(s), *to = out;

	for (; *s != '\0'; s++) {
		int high, low;

		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		high = hex(s[1]);
		low = high < 0 ? -1 : hex(s[2]);
		if (low < 0 || high * 16 + low == 0) {
			free(out);
			return NULL;
		}
		*to++ = (char)(high * 16 + low);
		s += 2;
	}
	*to = '\0';
	return out;
}

static int add_one(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	(void)at;
	row_json(r, ctx);
	return 1;
}

static void get_record(struct api *a, struct http_request *req)
{
	char *id = decode(http_request_path(req) + sizeof(RECORDS "/") - 1);
	struct strbuf body = {0};
	struct err err = {0};
	int rc;

	if (id == NULL) {
		answer_error(req, 400, "the id is not percent-encoded well");
		return;
	}
	rc = store_get(a->store, id, add_one, &body, &err);
	free(id);
	if (rc > 0) {
		answer(req, 200, &body);
		return;
	}
	strbuf_release(&body);
	if (rc < 0)
		answer_error(req, 503, "%s", err.text);
	else
		answer_error(req, 404, "there is no row with this id");
}

/* ---- how it is going -------------------------------------------------------- */

static void get_healthz(struct api *a, struct http_request *req)
{
	struct strbuf body = {0};

	(void)a;
	strbuf_add_cstr(&body, "{\"status\":\"alive\"}");
	answer(req, 200, &body);
}

static void get_readyz(struct api *a, struct http_request *req)
{
	struct strbuf body = {0};
	bool ready = processes_json(a->processes, clock_mono(), &body);

	answer(req, ready ? 200 : 503, &body);
}

static void get_metrics(struct api *a, struct http_request *req)
{
	const char *accept = http_request_header(req, "Accept");
	bool open = exposition_is_open(accept);
	struct strbuf body = {.limit = PAGE_MAX};

	exposition_write(a->processes, clock_mono(), open, &body);
	http_reply(req, 200, exposition_type(open), strbuf_str(&body), headers,
		ARRAY_LEN(headers) - 1);
	strbuf_release(&body);
}

/* ---- routes ------------------------------------------------------------------ */

static const struct {
	const char *path;
	bool prefix; /* and something after it */
	void (*get)(struct api *a, struct http_request *req);
} routes[] = {
	{RECORDS, false, get_records},
	{RECORDS "/", true, get_record},
	{"/healthz", false, get_healthz},
	{"/readyz", false, get_readyz},
	{"/metrics", false, get_metrics},
};

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
	answer_error(req, statuses[fault], "%s", http_request_fault_text(req));
	return true;
}

void api_handle(void *ctx, struct http_request *req)
{
	const char *path = http_request_path(req);
	const char *method = http_request_method(req);

	if (answer_fault(req))
		return;
	for (size_t i = 0; i < ARRAY_LEN(routes); i++) {
		size_t n = strlen(routes[i].path);

		if (routes[i].prefix ? strncmp(path, routes[i].path, n) != 0 ||
					path[n] == '\0'
				     : strcmp(path, routes[i].path) != 0)
			continue;
		if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
			answer_error(req, 405, "only GET is served here");
		else
			routes[i].get(ctx, req);
		return;
	}
	answer_error(req, 404, "nothing is served here; see /v1/records, "
		"/metrics, /healthz and /readyz");
}
