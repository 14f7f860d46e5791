/*
 * How an answer leaves: through the library, which the connection is resumed
 * for, or on the bare socket when the library has given the connection up.
 * http_reply() of http_server.h is here. For http_server.c only.
 */
#ifndef PROTO_IO_HTTP_REPLY_H
#define PROTO_IO_HTTP_REPLY_H

#include "proto/io/http_request.h"

/* The server stops before the handler has answered: 503. With r->lock. */
void http_reply_abandon(struct http_request *r);

#endif
