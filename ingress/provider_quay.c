/*
 * Quay and quay.io. Source: Quay's manual, "Repository Notifications", and
 * notifications/notificationevent.py there.
 *
 * No header and no type names the event: updated_tags is a push. It is a list
 * (in 2013 an object of tag and image id) and may name several tags. There is
 * no digest and no id. docker_url is the image's name and its host.
 */
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	return vendor_str(in->body, "docker_url") != NULL;
}

static const char *idle_reason(const struct json *body)
{
	if (json_get(body, "build_id"))
		return "a build's event; what it pushed has its own";
	if (json_get(body, "vulnerability"))
		return "a vulnerability's event";
	return "the event is none that Pullwire acts on";
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *tags = json_get(in->body, "updated_tags");
	struct provider_push p = {0};
	struct vendor_reference ref;
	const char *url;

	if (json_need_str(in->body, "docker_url", &url, err) < 0)
		return -1;
	vendor_reference(&out->arena, url, &ref);
	if (!ref.repository)
		return err_fail(err, "docker_url has no repository");
	p.registry = ref.host;
	p.repository = ref.repository;
	if (!tags) {
		vendor_ignore(out, NULL, p.repository, NULL,
			idle_reason(in->body));
		return 0;
	}
	if (json_kind(tags) != JSON_ARRAY && json_kind(tags) != JSON_OBJECT)
		return err_fail(err, "updated_tags is not a list");
	for (const struct json *t = json_first(tags); t; t = json_next(t)) {
		p.tag = json_kind(tags) == JSON_ARRAY ? json_str(t)
						      : json_key(t);
		if (!p.tag)
			return err_fail(err, "updated_tags has a tag that is "
				"not a string");
		vendor_push(out, &p);
	}
	return 0;
}

static void compose(const struct provider_push *p, int64_t now UNUSED,
	struct strbuf *body)
{
	struct strbuf url = {0};
	struct json *root, *tags = json_new_array();

	strbuf_addf(&url, "quay.io/%s", p->repository);
	root = vendor_object("docker_url", strbuf_cstr(&url), NULL);
	json_push(tags, json_new_str(p->tag));
	json_set(root, "updated_tags", tags);
	vendor_write(root, body);
	strbuf_release(&url);
}

const struct provider provider_quay = {
	.name = "quay",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
