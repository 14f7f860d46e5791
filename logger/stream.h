/*
 * The access log as it grows, to browsers: server-sent events (WHATWG HTML,
 * "Server-sent events"). An event is a row as /v1/records has it, its id the
 * row's place in the order of storing; a client that comes back with
 * Last-Event-ID gets what it missed, or, when that is too much, the event
 * `reset`: load the list anew. One thread follows the store, so that rows
 * that another logger stored come too.
 */
#ifndef LOGGER_STREAM_H
#define LOGGER_STREAM_H

#include "logger/auth.h"
#include "logger/store.h"
#include "proto/io/http_server.h"

#define STREAM_CLIENTS_MAX 64
#define STREAM_BEHIND_MAX 5000 /* rows that a client may have missed */
#define STREAM_MS 3600000      /* then a client has to come again */

struct stream;

struct stream *stream_start(struct store *s, struct auth *a) MUST_CHECK;
void stream_stop(struct stream *s); /* NULL is fine */

/* Takes over *q and the request, unless there are too many clients: -1.
 * after: the last row that it has; -1: it begins now. It ends with the session
 * of who. Any thread. */
int stream_add(struct stream *s, struct http_request *req,
	const struct auth_who *who, struct query *q, int64_t after);

#endif
