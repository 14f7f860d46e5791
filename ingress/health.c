#include "ingress/health.h"

#include "ingress/answer.h"

void health_answer(struct ready *ready, struct http_request *req, bool whole)
{
	struct json *body = json_new_object();
	const char *method = http_request_method(req);
	struct err err = {0};

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		json_set_str(body, "error", "this is a GET");
		answer_json(req, 405, body, "Allow: GET, HEAD");
	} else if (whole && ready_check(ready, &err) < 0) {
		struct json *reasons = json_new_array();

		json_set_bool(body, "ready", false);
		json_push(reasons, json_new_str(err.text));
		json_set(body, "reasons", reasons);
		answer_json(req, 503, body, NULL);
	} else {
		json_set_bool(body, whole ? "ready" : "alive", true);
		answer_json(req, 200, body, NULL);
	}
}
