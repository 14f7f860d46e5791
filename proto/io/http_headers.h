/*
 * Takes the headers over from the library, and finds the bytes that it threw
 * away without a word. For http_server.c; includes microhttpd.h as well.
 */
#ifndef PROTO_IO_HTTP_HEADERS_H
#define PROTO_IO_HTTP_HEADERS_H

#include "proto/io/http_request.h"

struct MHD_Connection;

/* method and version as the library's handler got them: its own texts. */
void http_headers_take(struct http_request *r, struct MHD_Connection *conn,
	const char *method, const char *version);

#endif
