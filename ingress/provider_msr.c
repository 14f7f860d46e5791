/*
 * Mirantis Secure Registry, once Docker Trusted Registry. Source: Mirantis'
 * documentation, "Manage webhooks".
 *
 * TAG_PUSH tells of a tag; contents.imageName has the host in some versions.
 * There is no id.
 */
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	return vendor_str(in->body, "type") &&
		json_kind(json_get(in->body, "contents")) == JSON_OBJECT;
}

static const char *idle_reason(const char *type)
{
	struct str s = str_from(type);

	if (str_is(s, "TAG_PUSH"))
		return NULL;
	if (str_is(s, "MANIFEST_PUSH"))
		return "an image was pushed by digest; its tag has its own event";
	if (str_ends(s, STR("_PULL")))
		return "an image was pulled, not pushed";
	if (str_ends(s, STR("_DELETE")))
		return "an image or tag was deleted, not pushed";
	if (str_starts(s, STR("SCAN_")) || str_starts(s, STR("SCANNER_")))
		return "a scan's event";
	return "the type is none that Pullwire acts on";
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *b = in->body;
	struct provider_push p = {0};
	struct vendor_reference ref;
	const char *type, *namespace, *name, *image, *reason;

	if (json_need_str(b, "type", &type, err) < 0 ||
		json_want_str(b, "contents.namespace", &namespace, err) < 0 ||
		json_want_str(b, "contents.repository", &name, err) < 0 ||
		json_want_str(b, "contents.tag", &p.tag, err) < 0 ||
		json_want_str(b, "contents.digest", &p.digest, err) < 0 ||
		json_want_str(b, "contents.imageName", &image, err) < 0)
		return -1;
	vendor_reference(&out->arena, image, &ref);
	p.registry = ref.host;
	p.repository = namespace && name
		? vendor_join(&out->arena, namespace, name) : ref.repository;
	reason = idle_reason(type);
	if (reason) {
		vendor_ignore(out, NULL, p.repository, p.tag, reason);
		return 0;
	}
	if (!p.repository)
		return err_fail(err, "contents.repository is missing");
	p.pushed_at = vendor_time(b, "createdAt");
	vendor_push(out, &p);
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	char time[STR_TIME_LEN];
	struct json *root = vendor_object("type", "TAG_PUSH", "createdAt",
		str_time(now, time), NULL);

	json_set(root, "contents", vendor_object("imageName", p->repository,
		"tag", p->tag, "digest", p->digest, NULL));
	vendor_write(root, body);
}

const struct provider provider_msr = {
	.name = "msr",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
