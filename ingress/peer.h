/*
 * Who sent a request: the connection's peer, or, when that is a trusted proxy,
 * whom it names in X-Forwarded-For. The header is read from its end, where
 * the nearest proxy wrote, and only as far as addresses are trusted, so that
 * what a sender puts there itself is never believed.
 */
#ifndef INGRESS_PEER_H
#define INGRESS_PEER_H

#include "proto/data/opt.h"
#include "proto/io/http_server.h"

#define PEER_LEN 46 /* of an address as text, with the NUL */

void peer_of_request(const struct opt_strs *trusted,
	const struct http_request *req, char out[PEER_LEN]);
/* The same, pure. forwarded: the header's values in their order, n of them. */
void peer_resolve(const struct opt_strs *trusted, const char *peer,
	const char *const *forwarded, size_t n, char out[PEER_LEN]);

#endif
