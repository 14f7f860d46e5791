/*
 * How an answer leaves: through the library, which the connection is resumed
 * for, or on the bare socket when the library has given the connection up.
 * http_reply() of http_server.h is here. For http_server.c only.
 */
#ifndef PROTO_IO_HTTP_REPLY_H
#define PROTO_IO_HTTP_REPLY_H

#include "proto/io/http_request.h"

struct MHD_Response;

/* "Name: value" lines, and the type unless NULL. */
void http_reply_headers(struct MHD_Response *resp, const char *content_type,
	const char *const *extra, size_t n_extra);
/* An answer that is none for a client without a connection. With r->lock. */
void http_reply_close_orphan(struct http_request *r);
/* The server stops before the handler has answered: 503. With r->lock. */
void http_reply_abandon(struct http_request *r);

#endif
