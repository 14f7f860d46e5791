/*
 * Docker Hub. Source: Docker's documentation, "Webhooks", and bodies that
 * people published since 2014.
 *
 * One push a body, without a digest, a host, an id or a signature. Official
 * images may come without their "library/". Bodies of 2014-15 have no tag.
 */
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	return json_kind(json_get(in->body, "push_data")) == JSON_OBJECT &&
		(vendor_str(in->body, "repository.repo_name") ||
			json_get(in->body, "callback_url"));
}

/* Charts and other artifacts name their media type; images may too. */
static bool is_image(const char *media_type)
{
	struct str s = str_from(media_type);

	return s.n == 0 ||
		str_starts(s, STR("application/vnd.docker.container.image.")) ||
		str_starts(s, STR("application/vnd.docker.distribution.")) ||
		str_starts(s, STR("application/vnd.oci.image."));
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *b = in->body;
	struct provider_push p = {.registry = "docker.io"};
	const char *media_type;

	if (json_kind(json_get(b, "push_data")) != JSON_OBJECT)
		return err_fail(err, "push_data is missing or not an object");
	if (json_want_str(b, "push_data.tag", &p.tag, err) < 0 ||
		json_want_str(b, "push_data.media_type", &media_type, err) < 0 ||
		json_want_str(b, "repository.repo_name", &p.repository,
			err) < 0)
		return -1;
	if (!p.repository) {
		p.repository = vendor_join(&out->arena,
			vendor_str(b, "repository.namespace"),
			vendor_str(b, "repository.name"));
		if (!p.repository)
			return err_fail(err, "repository.repo_name is missing");
	}
	if (!strchr(p.repository, '/'))
		p.repository = vendor_join(&out->arena, "library", p.repository);
	if (!p.tag)
		vendor_ignore(out, NULL, p.repository, NULL,
			"the body does not say which tag was pushed");
	else if (!is_image(media_type))
		vendor_ignore(out, NULL, p.repository, p.tag,
			"a chart or another artifact was pushed, not an image");
	else {
		p.pushed_at = vendor_time(b, "push_data.pushed_at");
		vendor_push(out, &p);
	}
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct json *root = json_new_object();
	struct json *data = vendor_object("tag", p->tag, NULL);

	json_set_i64(data, "pushed_at", now / 1000);
	json_set(root, "push_data", data);
	json_set(root, "repository",
		vendor_object("repo_name", p->repository, NULL));
	vendor_write(root, body);
}

const struct provider provider_dockerhub = {
	.name = "dockerhub",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
