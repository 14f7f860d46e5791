/*
 * Azure Container Registry: its own webhooks, and its events over Event Grid
 * in either schema. Source: Microsoft's "Azure Container Registry webhook
 * schema reference", "Azure Container Registry as an Event Grid source" and
 * "Webhook event delivery".
 *
 * Event Grid posts a list. Before it sends anything it asks whether the URL is
 * ours: the answer must be a 200 with the code that the question has.
 */
#include "ingress/cloudevent.h"
#include "ingress/vendor.h"

#define VALIDATION "Microsoft.EventGrid.SubscriptionValidationEvent"

static bool is_grid(const struct json *body)
{
	const struct json *first =
		json_kind(body) == JSON_ARRAY ? json_first(body) : body;

	return vendor_str(first, "eventType") != NULL;
}

static bool sniff(const struct provider_in *in)
{
	const char *type = vendor_str(in->body, "type");
	const char *action = vendor_str(in->body, "action");

	return is_grid(in->body) ||
		(type && !strncmp(type, "Microsoft.ContainerRegistry.", 28)) ||
		(action && (json_get(in->body, "target") ||
			!strcmp(action, "ping")));
}

/* Why the registry's event needs nothing; NULL when it may be a push. */
static const char *idle_reason(const char *action, const char *media_type)
{
	static const struct {
		const char *action, *reason;
	} actions[] = {
		{"delete", "an image was deleted, not pushed"},
		{"chart_push", "a Helm chart was pushed, not an image"},
		{"chart_delete", "a Helm chart was deleted"},
		{"quarantine", "an image was put in quarantine, not released"},
		{"ping", "a ping: the webhook is set up"},
	};

	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(action, actions[i].action))
			return actions[i].reason;
	if (strcmp(action, "push") != 0)
		return "the action is none that Pullwire acts on";
	if (media_type && !strcmp(media_type, "application/vnd.acr.helm.chart"))
		return "a Helm chart was pushed, not an image";
	return NULL;
}

/* One event of the registry, however it came here. */
static int take_event(const struct json *event, const char *id,
	struct provider_out *out, struct err *err)
{
	struct provider_push p = {.sender_id = id};
	const char *action, *media_type, *reason;

	if (json_need_str(event, "action", &action, err) < 0 ||
		json_want_str(event, "target.repository", &p.repository,
			err) < 0 ||
		json_want_str(event, "target.tag", &p.tag, err) < 0 ||
		json_want_str(event, "target.digest", &p.digest, err) < 0 ||
		json_want_str(event, "target.mediaType", &media_type,
			err) < 0 ||
		json_want_str(event, "request.host", &p.registry, err) < 0)
		return -1;
	reason = idle_reason(action, media_type);
	if (reason) {
		vendor_ignore(out, id, p.repository, p.tag, reason);
		return 0;
	}
	if (!p.repository)
		return err_fail(err, "target.repository is missing");
	p.pushed_at = vendor_time(event, "timestamp");
	vendor_push(out, &p);
	return 0;
}

static int answer_validation(const struct json *event,
	struct provider_out *out, struct err *err)
{
	const char *code;

	if (json_need_str(event, "data.validationCode", &code, err) < 0)
		return -1;
	json_free(out->answer);
	out->answer = vendor_object("validationResponse", code, NULL);
	vendor_ignore(out, vendor_str(event, "id"), NULL, NULL,
		"Event Grid asked whether this URL takes its events; it was "
		"told so");
	return 0;
}

static int take_grid(const struct json *event, struct provider_out *out,
	struct err *err)
{
	const struct json *data = json_get(event, "data");
	const char *id, *type;

	if (json_need_str(event, "eventType", &type, err) < 0 ||
		json_want_str(event, "id", &id, err) < 0)
		return -1;
	if (!strcmp(type, VALIDATION))
		return answer_validation(event, out, err);
	if (json_str(json_get(data, "action")))
		return take_event(data, id, out, err);
	vendor_ignore(out, id, NULL, NULL,
		"the event is none of a container registry");
	return 0;
}

int cloudevent_azure(const struct cloudevent *ev, struct provider_out *out,
	struct err *err)
{
	return take_event(ev->data, ev->id, out, err);
}

static int parse_grid(const struct json *body, struct provider_out *out,
	struct err *err)
{
	size_t i = 0;

	if (json_kind(body) != JSON_ARRAY)
		return take_grid(body, out, err);
	for (const struct json *e = json_first(body); e; e = json_next(e), i++)
		if (take_grid(e, out, err) < 0)
			return err_prefix(err, "events.%zu", i);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	if (cloudevent_is(in))
		return cloudevent_parse(in, out, err);
	if (json_kind(in->body) == JSON_ARRAY || is_grid(in->body))
		return parse_grid(in->body, out, err);
	return take_event(in->body, vendor_str(in->body, "id"), out, err);
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	char time[STR_TIME_LEN];
	struct json *root = vendor_object("id", p->sender_id, "timestamp",
		str_time(now, time), "action", "push", NULL);

	json_set(root, "target", vendor_object("repository", p->repository,
		"tag", p->tag, "digest", p->digest, NULL));
	vendor_write(root, body);
}

const struct provider provider_azure = {
	.name = "azure",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.options = true,
};
