/*
 * How an HTTP answer leaves the logger: JSON or a file of the page, each with
 * the headers that keep a browser from doing anything else with it. Ends the
 * request. The status is the caller's.
 */
#ifndef LOGGER_ANSWER_H
#define LOGGER_ANSWER_H

#include "proto/base/strbuf.h"
#include "proto/io/http_server.h"

/* The body is released. */
void answer_json(struct http_request *req, int status, struct strbuf *body);
/* {"error":"…"}; extra is one more header line, or NULL. */
void answer_error(struct http_request *req, int status, const char *extra,
	const char *fmt, ...) PRINTF_LIKE(4, 5);
void answer_with(struct http_request *req, int status, const char *extra,
	struct strbuf *body);
/* A file of the page. */
void answer_file(struct http_request *req, const char *type, struct str bytes);
/* Any other text. */
void answer_text(struct http_request *req, const char *type,
	struct strbuf *body);
/* Server-sent events. */
struct http_stream *answer_stream(struct http_request *req);

#endif
