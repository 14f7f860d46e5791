#include "logger/answer.h"

#include <stdarg.h>

#include "proto/data/json.h"

#define COMMON \
	"Cache-Control: no-store", \
	"X-Content-Type-Options: nosniff", \
	"X-Frame-Options: DENY", \
	"Referrer-Policy: no-referrer", \
	"Cross-Origin-Resource-Policy: same-origin", \
	"Cross-Origin-Opener-Policy: same-origin"

/* The last place is for one more. */
#define FIXED 7

static void answer(struct http_request *req, int status, const char *type,
	struct str body, const char *extra)
{
	const char *headers[FIXED + 1] = {COMMON,
		"Content-Security-Policy: default-src 'none'; "
		"frame-ancestors 'none'", extra};

	http_reply(req, status, type, body, headers, FIXED + (extra != NULL));
}

void answer_with(struct http_request *req, int status, const char *extra,
	struct strbuf *body)
{
	strbuf_add_char(body, '\n');
	answer(req, status, "application/json", strbuf_str(body), extra);
	strbuf_release(body);
}

void answer_json(struct http_request *req, int status, struct strbuf *body)
{
	answer_with(req, status, NULL, body);
}

void answer_error(struct http_request *req, int status, const char *extra,
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
	answer_with(req, status, extra, &body);
}

void answer_text(struct http_request *req, const char *type,
	struct strbuf *body)
{
	answer(req, 200, type, strbuf_str(body), NULL);
	strbuf_release(body);
}

/* The page's own files and requests, and nothing from anywhere else. */
void answer_file(struct http_request *req, const char *type, struct str bytes)
{
	const char *headers[] = {COMMON,
		"Content-Security-Policy: default-src 'none'; "
		"script-src 'self'; style-src 'self'; img-src 'self'; "
		"connect-src 'self'; base-uri 'none'; form-action 'none'; "
		"frame-ancestors 'none'; require-trusted-types-for 'script'"};

	http_reply(req, 200, type, bytes, headers, ARRAY_LEN(headers));
}

struct http_stream *answer_stream(struct http_request *req)
{
	const char *headers[] = {COMMON, "X-Accel-Buffering: no"};

	return http_reply_stream(req, 200, "text/event-stream", headers,
		ARRAY_LEN(headers));
}
