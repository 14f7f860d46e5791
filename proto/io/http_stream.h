/*
 * An answer whose body goes on: the library asks for more when the client has
 * room, and the connection is suspended while there is nothing. The verbs for
 * handlers are in http_server.h; this is for http_server.c only.
 */
#ifndef PROTO_IO_HTTP_STREAM_H
#define PROTO_IO_HTTP_STREAM_H

#include "proto/io/http_request.h"

/* The connection has ended: nothing of it is touched any more. */
void http_stream_gone(struct http_stream *s);
/* The server stops: the body ends. */
void http_stream_stop(struct http_stream *s);
/* One of two holders: the handler, and the request. */
void http_stream_unref(struct http_stream *s);

#endif
