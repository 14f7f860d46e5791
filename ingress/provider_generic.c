/*
 * The body for anything that can be told what to post, e.g. a build job:
 *   {"name": "[HOST[:PORT]/]REPOSITORY", "tag": "TAG", "digest": "sha256:…"}
 * digest is optional; other members are left alone. Keel's native webhook is
 * the same.
 */
#include "ingress/normalise.h"
#include "ingress/provider.h"

#include "proto/data/json.h"

static bool sniff(const struct provider_in *in)
{
	return json_str(json_get(in->body, "name")) &&
		json_str(json_get(in->body, "tag"));
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	struct provider_push p = {0};
	struct str host, repository;
	const char *name;

	if (json_need_str(in->body, "name", &name, err) < 0 ||
		json_need_str(in->body, "tag", &p.tag, err) < 0 ||
		json_want_str(in->body, "digest", &p.digest, err) < 0)
		return -1;
	normalise_split_host(str_from(name), &host, &repository);
	p.repository = repository.p;
	if (host.n)
		p.registry = arena_strdup(&out->arena, host);
	if (arena_failed(&out->arena))
		return err_fail(err, "name is too long");
	VEC_PUSH(&out->pushes, p);
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct json *root = json_new_object();

	(void)now; /* the form has no time */
	json_set_str(root, "name", p->repository);
	json_set_str(root, "tag", p->tag);
	if (p->digest)
		json_set_str(root, "digest", p->digest);
	json_write(root, body);
	json_free(root);
}

const struct provider provider_generic = {
	.name = "generic",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
