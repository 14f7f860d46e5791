/*
 * One request on its way to its handler, and the handlers: what api.c, which
 * has found the route and knows who asks, hands to api_*.c. For these only.
 */
#ifndef LOGGER_API_CALL_H
#define LOGGER_API_CALL_H

#include "logger/answer.h"
#include "logger/api.h"

struct api_call {
	struct api *api;
	struct http_request *req; /* the handler answers it, here or later */
	const struct auth_who *who;
	const char *id;   /* the path's part that is one, decoded; else "" */
	const char *verb; /* the path's last part */
};

typedef void api_fn(struct api_call *c);

api_fn api_get_page, api_get_records, api_get_record, api_get_event,
	api_get_stream, api_get_triggers, api_get_queue, api_get_processes,
	api_get_setup, api_get_session, api_sign_in, api_sign_out,
	api_get_healthz, api_get_readyz, api_get_metrics, api_redeliver,
	api_redeliver_range, api_job, api_target;

/* The body as a JSON object; NULL when it is none: then it was answered. An
 * empty body is an empty object. The caller frees it. */
struct json *api_body(struct api_call *c);
/* The cookie of a session; empty when there is none. */
struct str api_cookie(const struct http_request *req);

#endif
