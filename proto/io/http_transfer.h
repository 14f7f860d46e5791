/*
 * One HTTP exchange: how a call becomes a curl handle, and what came of it.
 * For http_client.c.
 */
#ifndef PROTO_IO_HTTP_TRANSFER_H
#define PROTO_IO_HTTP_TRANSFER_H

#include <curl/curl.h>

#include "proto/io/http_client.h"

struct http_transfer {
	CURL *easy;                   /* borrowed */
	const struct http_call *call; /* borrowed */
	struct http_result *res;      /* borrowed */
	struct curl_slist *headers;
	int64_t began;
	char peer[300]; /* "host:port" or the socket's path, for texts */
	char detail[CURL_ERROR_SIZE];
	char refused[64]; /* the last address that allow_address refused */
	size_t n_headers, header_bytes;
	bool headers_done, aborted, cut, headers_too_large;
};

/* Sets everything on easy, which is new or reset. *call, *res and *t stay where
 * they are until http_transfer_end(). */
void http_transfer_begin(struct http_transfer *t, CURL *easy,
	const struct http_call *call, struct http_result *res);
/* Fills what is left of *res; 0, or -1 with err. Releases what begin took. */
int http_transfer_end(struct http_transfer *t, CURLcode rc, struct err *err);
/* What curl says went wrong, as a sentence, for http_transfer_end(); -1. */
int http_transfer_fail(const struct http_transfer *t, CURLcode rc,
	struct err *err);
/* Releases without a result. */
void http_transfer_drop(struct http_transfer *t);

#endif
