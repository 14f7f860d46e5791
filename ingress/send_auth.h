/*
 * How a test push proves who it is: what the source's own sender would send,
 * with the first of each of the source's secrets. The mirror of auth.h, for
 * the send command.
 */
#ifndef INGRESS_SEND_AUTH_H
#define INGRESS_SEND_AUTH_H

#include "proto/base/strbuf.h"
#include "proto/data/conf.h"

#define SEND_HEADERS_MAX 8

struct send_headers {
	struct strbuf lines[SEND_HEADERS_MAX]; /* "Name: value" */
	size_t n;
};

/* Adds what goes into headers. id: of the message; now: wall ms. */
void send_auth(const struct conf_auth *auth, struct str body, const char *id,
	int64_t now, struct send_headers *out);
void send_headers_release(struct send_headers *h); /* wiped */

#endif
