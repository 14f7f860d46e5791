/* Waiting for an engine's containers and services to change: GET /events (Docker Engine
 * API), which the engine ends after a while by itself. */
#include "deployer/docker/docker_labels.h"

#include <inttypes.h>

#define WAIT_S 20
/* It is given up this long after it should have ended. */
#define LATE_MS 10000

static int on_event(void *ctx, struct str data)
{
	bool *seen = ctx;

	(void)data;
	*seen = true;
	return -1; /* which one does not matter: all are listed anew */
}

int docker_labels_wait(const struct conf_engine *engine, int64_t since,
	struct err *err)
{
	static const char filters[] =
		"{\"type\":[\"container\",\"service\"],\"event\":["
		"\"start\",\"rename\",\"destroy\","
		"\"create\",\"update\",\"remove\"]}"; /* services */
	struct docker_api *api = docker_api_open(engine, err);
	struct strbuf path = {0};
	bool seen = false;
	struct docker_request req = {
		.method = "GET",
		.total_ms = WAIT_S * 1000 + LATE_MS,
		.on_data = on_event,
		.ctx = &seen,
	};
	int rc;

	if (api == NULL)
		return -1;
	strbuf_addf(&path, "/events?since=%" PRId64 ".%09" PRId64
		"&until=%" PRId64 "&filters=", since / 1000,
		since % 1000 * 1000000, since / 1000 + WAIT_S);
	docker_api_encode(&path, STR(filters));
	req.path = strbuf_cstr(&path);
	rc = docker_api_do(api, &req, err);
	strbuf_release(&path);
	docker_api_close(api);
	return rc == 0 || seen ? 0 : -1;
}
