/*
 * One connection to a Docker engine: its REST API over a unix socket or over
 * tcp with TLS, with the version negotiated. Plain sequential calls of one
 * thread; the calls themselves are in docker_container.h and docker_image.h.
 *
 * Errors: err->code is the HTTP status, or DOCKER_API_NO_ANSWER when the engine
 * gave none; docker_api_unreachable() tells. That and statuses of 500 and more
 * are RETRY, others FAIL. A status is not the result of a step:
 * decide on what a later inspect shows.
 */
#ifndef DEPLOYER_DOCKER_API_H
#define DEPLOYER_DOCKER_API_H

#include "proto/data/conf.h"
#include "proto/data/json.h"

#define DOCKER_API_NO_ANSWER (-1)

struct docker_api; /* opaque */

/* The engine outlives it. NULL when its address is none of ours; nothing is
 * sent yet. */
struct docker_api *docker_api_open(
	const struct conf_engine *engine, struct err *err);
void docker_api_close(struct docker_api *api); /* NULL is fine */
/* As in conf_engine. */
const char *docker_api_endpoint(const struct docker_api *api);

/* Does it answer? Seconds at most. */
int docker_api_ping(struct docker_api *api, struct err *err);
/* The same over a connection of its own, which an engine that is about to end
 * does not take any more. */
int docker_api_ping_anew(struct docker_api *api, struct err *err);
/* How many were made so far. One that is made while others are asked for all
 * the time is another engine's: no engine ends them by itself. */
unsigned docker_api_connections(const struct docker_api *api);
/* Negotiates where that is still to do: 0, or -1. It is done again after the
 * connection broke, for the engine may have been replaced by another one. */
int docker_api_negotiate(struct docker_api *api, struct err *err);
int docker_api_minor(const struct docker_api *api); /* of 1.x; 0: not yet */
/* "linux/amd64"; "" before the negotiation. */
const char *docker_api_platform(const struct docker_api *api);
/* The engine gave no answer, as opposed to a refusal. */
bool docker_api_unreachable(const struct err *err);

struct docker_request {
	const char *method;
	const char *path; /* "/containers/json?all=1", without the version */
	const struct json *body; /* or NULL */
	const char *auth; /* of X-Registry-Auth; NULL or "": none */
	int64_t total_ms; /* 0: none */
	int64_t stall_ms; /* 0: none */
	/* What to do with the body of a 2xx, one of: */
	struct json **answer; /* parsed; the caller frees it */
	struct strbuf *raw;   /* the head of it, raw_max bytes at most */
	size_t raw_max;
	int (*on_data)(void *ctx, struct str data); /* nonzero aborts */
	void *ctx;
	/* Of a HEAD, which has no body: this header's value, if it is there. */
	const char *header;
	char *header_value;
	size_t header_max;
};

/* 0 for a 2xx or 304, else -1 with the engine's own message. */
int docker_api_do(struct docker_api *api, const struct docker_request *req,
	struct err *err);
/* The usual: JSON in, JSON out, either may be NULL, two minutes at most. */
int docker_api_call(struct docker_api *api, const char *method,
	const char *path, const struct json *body, struct json **answer,
	struct err *err);

/* Parses one JSON text of the engine. Its NUL escapes (a health probe's output
 * may have them) read as U+FFFD; *text is changed so. */
struct json *docker_api_parse(struct strbuf *text, struct err *err);
/* As str_safe(), but a text too long loses its middle: the engine's sentences
 * begin with what was wanted and end with the cause. Returns out. */
char *docker_api_shorten(struct str text, char *out, size_t n);
/* Appends the text percent-encoded, for a query. */
void docker_api_encode(struct strbuf *out, struct str text);

#endif
