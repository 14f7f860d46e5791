/*
 * JFrog Artifactory. Source: JFrog's documentation, "Webhooks", "Docker
 * domain".
 *
 * The image's name has no Artifactory repository in it; how that one is part
 * of the pull's name (host, port or path) only the administrator knows, so
 * the source's registry or registry_map says it. sha256 is bare hexadecimal.
 * Children of an index are told too, with a digest for a tag.
 */
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	return vendor_str(in->body, "domain") &&
		vendor_str(in->body, "event_type");
}

static const char *idle_reason(const char *domain, const char *type)
{
	if (strcmp(domain, "docker") != 0)
		return "the event is none of an image";
	if (!strcmp(type, "deleted"))
		return "an image was deleted, not pushed";
	if (!strcmp(type, "promoted"))
		return "an image was promoted; the repository that got it "
		       "tells of the push";
	if (strcmp(type, "pushed") != 0)
		return "the event is none that Pullwire acts on";
	return NULL;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *b = in->body;
	struct provider_push p = {0};
	const char *domain, *type, *sha256, *reason;

	if (json_need_str(b, "domain", &domain, err) < 0 ||
		json_need_str(b, "event_type", &type, err) < 0 ||
		json_want_str(b, "data.image_name", &p.repository, err) < 0 ||
		json_want_str(b, "data.tag", &p.tag, err) < 0 ||
		json_want_str(b, "data.sha256", &sha256, err) < 0)
		return -1;
	reason = idle_reason(domain, type);
	if (reason) {
		vendor_ignore(out, NULL, p.repository, p.tag, reason);
		return 0;
	}
	if (!p.repository)
		return err_fail(err, "data.image_name is missing");
	if (sha256)
		p.digest = arena_printf(&out->arena, "sha256:%s", sha256);
	p.registry = vendor_url_host(&out->arena, vendor_str(b, "jpd_origin"));
	vendor_push(out, &p);
	return 0;
}

static void compose(const struct provider_push *p, int64_t now UNUSED,
	struct strbuf *body)
{
	struct json *root = vendor_object("domain", "docker", "event_type",
		"pushed", NULL);

	json_set(root, "data", vendor_object("image_name", p->repository,
		"tag", p->tag, "sha256",
		p->digest ? p->digest + strlen("sha256:") : NULL, NULL));
	vendor_write(root, body);
}

const struct provider provider_jfrog = {
	.name = "jfrog",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
