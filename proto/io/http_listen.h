/* The listening socket and the peers' addresses as text, for http_server.c. */
#ifndef PROTO_IO_HTTP_LISTEN_H
#define PROTO_IO_HTTP_LISTEN_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "proto/base/err.h"

/* A socket that listens at "HOST:PORT", "[V6]:PORT" or "*:PORT" (both
 * families); -1 with err. Port 0 is any free one; *port is the real one. */
int http_listen(const char *where, int *port, struct err *err);

/* Could it be listened at, as it is written? 0, or -1 with err. */
int http_listen_check(const char *where, struct err *err);

/* The numeric address, a mapped v4 as v4; "" for what has none. */
void http_listen_peer(const struct sockaddr *sa, char text[INET6_ADDRSTRLEN]);

#endif
