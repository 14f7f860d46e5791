/* How the processes are doing. */
#include "logger/api_call.h"

#include "logger/exposition.h"
#include "proto/base/clock.h"

#define TEXT_MAX ((size_t)64 << 20)

void api_get_healthz(struct api_call *c)
{
	struct strbuf body = {0};

	strbuf_add_cstr(&body, "{\"status\":\"alive\"}");
	answer_json(c->req, 200, &body);
}

void api_get_readyz(struct api_call *c)
{
	struct strbuf body = {0};
	bool ready = processes_json(c->api->processes, clock_mono(), false,
		&body);

	answer_json(c->req, ready ? 200 : 503, &body);
}

/* As /readyz, with what each counts, and 200 however they are. */
void api_get_processes(struct api_call *c)
{
	struct strbuf body = {.limit = TEXT_MAX};

	(void)processes_json(c->api->processes, clock_mono(), true, &body);
	answer_json(c->req, 200, &body);
}

void api_get_metrics(struct api_call *c)
{
	const char *accept = http_request_header(c->req, "Accept");
	bool open = exposition_is_open(accept);
	struct strbuf body = {.limit = TEXT_MAX};

	exposition_write(c->api->processes, clock_mono(), open, &body);
	answer_text(c->req, exposition_type(open), &body);
}
