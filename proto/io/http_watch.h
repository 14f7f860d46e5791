/*
 * How long a client may take, in total: for the TLS handshake, to send the
 * head of a request, its body, and until its next one. The library's own time-out begins
 * anew with each byte, so who drips bytes would hold a connection for ever.
 * A thread looks through the connections; of one that is late no more is
 * read, which the server then takes for its end. Knows sockets, not HTTP.
 * For http_peer.c only.
 */
#ifndef PROTO_IO_HTTP_WATCH_H
#define PROTO_IO_HTTP_WATCH_H

#include "proto/base/base.h"

enum http_phase {
	HTTP_PHASE_TLS,
	HTTP_PHASE_HEAD, /* also from the connection's begin */
	HTTP_PHASE_BODY,
	HTTP_PHASE_OURS, /* the client waits: no limit */
	HTTP_PHASE_NEXT, /* answered; its next request may come */
	HTTP_PHASES,
};

struct http_watch;
struct http_watched; /* a connection */

/* Limits of each phase, ms; 0: none. */
struct http_watch *http_watch_start(const int64_t limits[HTTP_PHASES]);
/* Ends the thread; then, when all connections are gone, free. */
void http_watch_stop(struct http_watch *w);
void http_watch_free(struct http_watch *w);

/* Begins with phase. fd must stay open until the removal. */
struct http_watched *http_watch_add(struct http_watch *w, int fd,
	enum http_phase phase);
void http_watch_remove(struct http_watch *w, struct http_watched *c);
void http_watch_phase(struct http_watch *w, struct http_watched *c,
	enum http_phase phase);
/* Was it cut off for being late? */
bool http_watch_late(struct http_watch *w, struct http_watched *c);

#endif
