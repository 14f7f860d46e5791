/*
 * The logger's HTTP answers, all JSON:
 *   GET /v1/records?…    a page of rows, newest first, and the cursor of the
 *                        next one; query.h has the parameters
 *   GET /v1/records/ID   one row
 *   GET /readyz          all processes; 503 unless each is ready
 *   GET /metrics         what all processes count; exposition.h
 *   GET /healthz         200 while this process answers
 * The only file here that chooses HTTP statuses. Runs on the server's threads.
 */
#ifndef LOGGER_API_H
#define LOGGER_API_H

#include "logger/processes.h"
#include "logger/store.h"
#include "proto/io/http_server.h"

struct api {
	struct store *store;
	struct processes *processes;
};

/* For struct http_server_config; ctx is a struct api. */
void api_handle(void *ctx, struct http_request *req);

#endif
