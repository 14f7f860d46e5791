#include "ingress/answer.h"

#include <stdarg.h>

#include "ingress/normalise.h"
#include "ingress/provider.h"
#include "ingress/rows.h"
#include "proto/base/clock.h"
#include "proto/base/metrics.h"

void refusals_init(struct refusals *r, struct outbox *outbox)
{
	r->reject = reject_new();
	r->outbox = outbox;
}

void refusals_destroy(struct refusals *r)
{
	reject_free(r->reject);
	r->reject = NULL;
}

static void observe(struct refusals *r, const struct reject_row *row,
	const char *path)
{
	struct record record = {0};

	rows_rejected(&record, row, path, clock_wall());
	outbox_observe(r->outbox, &record);
}

static void observe_counted(void *ctx, const struct reject_row *row)
{
	observe(ctx, row, NULL);
}

void refusals_tick(struct refusals *r, int64_t now)
{
	reject_flush(r->reject, now, observe_counted, r);
}

void answer_json(struct http_request *req, int status, struct json *body,
	const char *header)
{
	struct strbuf sb = {0};

	json_write(body, &sb);
	strbuf_add_char(&sb, '\n');
	json_free(body);
	http_reply(req, status, "application/json", strbuf_str(&sb), &header,
		header ? 1 : 0);
	strbuf_release(&sb);
}

void answer_refusal(const struct caller *c, int status, const char *header,
	const char *fmt, ...)
{
	struct json *body = json_new_object();
	char reason[600], code[12];
	struct reject_row row = {
		.source = c->source ? c->source->name : NULL,
		.peer = c->peer,
		.status = status,
		.reason = reason,
	};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	snprintf(code, sizeof(code), "%d", status);
	metric_add(METRIC_REJECTED, row.source, code, 1);
	if (reject_note(c->refusals->reject, &row, clock_mono()))
		observe(c->refusals, &row, c->path);
	json_set_str(body, "error", status != 401 ? reason :
		"not authenticated: the source is not known here or its "
		"secret is wrong");
	answer_json(c->req, status, body, header);
}

void answer_options(const struct caller *c)
{
	const char *origin = http_request_header(
		c->req, "WebHook-Request-Origin");
	char allowed[300];
	const char *extra[] = {allowed, "WebHook-Allowed-Rate: *",
		"Allow: POST, OPTIONS"};

	if (!provider_named(conf_source_types[c->source->type])->options) {
		answer_refusal(c, 405, "Allow: POST", "a webhook is a POST");
		return;
	}
	if (!origin || !normalise_is_host(str_from(origin))) {
		answer_refusal(c, 400, NULL, "WebHook-Request-Origin is "
			"missing or not the name of a host");
		return;
	}
	snprintf(allowed, sizeof(allowed), "WebHook-Allowed-Origin: %s",
		origin);
	http_reply(c->req, 200, "application/json", STR("{}\n"), extra,
		ARRAY_LEN(extra));
}

void answer_later(const struct caller *c, int status, int seconds,
	const char *reason)
{
	char header[32];

	snprintf(header, sizeof(header), "Retry-After: %d", seconds);
	answer_refusal(c, status, header, "%s", reason);
}
