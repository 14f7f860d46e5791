/*
 * What authentication and providers see of a request: the raw body and
 * look-ups of headers and of the query. Two function pointers stand between
 * them and the HTTP server, so that both are tested without one. Everything
 * is borrowed for the time of the request.
 */
#ifndef INGRESS_REQUEST_H
#define INGRESS_REQUEST_H

#include "proto/base/str.h"

struct request {
	struct str body;
	/* NULL when absent. Header names are case-insensitive; query values
	 * are decoded. */
	const char *(*header)(const void *ctx, const char *name);
	const char *(*query)(const void *ctx, const char *key);
	const void *ctx;
	/* The i-th thing that the client's certificate proves, NULL past the
	 * last (http_request_identity()); NULL: there is no TLS. */
	const char *(*identity)(const void *ctx, size_t i);
};

static inline const char *request_identity(const struct request *r, size_t i)
{
	return r->identity ? r->identity(r->ctx, i) : NULL;
}

static inline const char *request_header(const struct request *r,
	const char *name)
{
	return r->header(r->ctx, name);
}

static inline const char *request_query(const struct request *r,
	const char *key)
{
	return r->query(r->ctx, key);
}

#endif
