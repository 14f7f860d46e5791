/*
 * Sonatype Nexus Repository: webhooks of a repository's components. Source:
 * Sonatype's documentation, "Webhooks" and "Example headers and payloads".
 *
 * No host and no digest: the source's registry says where images are pulled
 * from. The delivery's id is in a header.
 */
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	return vendor_str(in->body, "component.format") ||
		vendor_str(in->body, "asset.format");
}

static int take_component(const struct provider_in *in,
	const struct json *component, struct provider_out *out, struct err *err)
{
	struct provider_push p = {.sender_id = request_header(in->req,
		"X-Nexus-Webhook-Delivery")};
	const char *action, *format;

	if (json_need_str(in->body, "action", &action, err) < 0 ||
		json_need_str(component, "format", &format, err) < 0 ||
		json_need_str(component, "name", &p.repository, err) < 0 ||
		json_want_str(component, "version", &p.tag, err) < 0)
		return -1;
	if (strcmp(format, "docker") != 0) {
		vendor_ignore(out, p.sender_id, NULL, NULL,
			"the component is not an image");
		return 0;
	}
	if (strcmp(action, "CREATED") != 0 && strcmp(action, "UPDATED") != 0) {
		vendor_ignore(out, p.sender_id, p.repository, p.tag,
			"an image was deleted or purged, not pushed");
		return 0;
	}
	p.pushed_at = vendor_time(in->body, "timestamp");
	vendor_push(out, &p);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *component = json_get(in->body, "component");

	if (json_kind(in->body) != JSON_OBJECT)
		return err_fail(err, "the body is not an object");
	if (component)
		return take_component(in, component, out, err);
	vendor_ignore(out, NULL, NULL, NULL, json_get(in->body, "asset")
		? "an asset's event; the component has its own"
		: "the event is none of a component");
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	char time[STR_TIME_LEN];
	struct json *root = vendor_object("timestamp", str_time(now, time),
		"action", "CREATED", NULL);

	json_set(root, "component", vendor_object("format", "docker", "name",
		p->repository, "version", p->tag, NULL));
	vendor_write(root, body);
}

const struct provider provider_nexus = {
	.name = "nexus",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
