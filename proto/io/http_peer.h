/*
 * A client that is connected to http_server.c: how long it may take, and its
 * TLS session. The library keeps it as the socket's context. Includes
 * microhttpd.h as well.
 */
#ifndef PROTO_IO_HTTP_PEER_H
#define PROTO_IO_HTTP_PEER_H

#include "proto/io/http_request.h"
#include "proto/io/http_tls.h"
#include "proto/io/http_watch.h"

struct MHD_Connection;
struct http_peer;

/* A new one, before its first byte; tls: NULL without. */
struct http_peer *http_peer_new(struct MHD_Connection *conn,
	struct http_watch *w, struct http_tls *tls);
void http_peer_free(struct http_peer *c); /* NULL is fine */

/* The rest for a connection that has none yet, or no more: nothing, no. */
void http_peer_enter(struct MHD_Connection *conn, enum http_phase phase);
/* Was it cut off for being late? */
bool http_peer_late(struct MHD_Connection *conn);
/* A copy of its socket, -1 without. */
int http_peer_dup(struct MHD_Connection *conn);
/* What the client's certificate proves goes to the request. */
void http_peer_identify(struct MHD_Connection *conn, struct http_request *r);

#endif
