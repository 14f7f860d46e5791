/*
 * CloudEvents of any sender. Types of vendors that Pullwire knows go to their
 * provider (cloudevent.c). Of others, a type that ends in `image.push` or
 * `image.pushed` is a push, with data of
 *   {"repository","tag","digest"?,"registry"? or "registryUrl"?}
 * or, as input transformers of Amazon's EventBridge make it for ECR,
 *   {"repositoryName","imageTag","imageDigest"?,"registryId"?}.
 * An id is unique for its source only, so both are the event's id.
 */
#include "ingress/cloudevent.h"
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	return cloudevent_is(in);
}

static const char *either(const struct json *data, const char *a, const char *b)
{
	const char *value = vendor_str(data, a);

	return value ? value : vendor_str(data, b);
}

/* urn:aws:ecr:REGION:ACCOUNT:… and arn:… */
static const char *ecr_host(const char *source, struct arena *arena)
{
	struct str rest = str_from(source), part[5] = {{0}};
	size_t n = 0;

	while (n < ARRAY_LEN(part) && str_split(&rest, ':', &part[n]))
		n++;
	if (n < ARRAY_LEN(part) || !str_is(part[2], "ecr"))
		return NULL;
	return arena_printf(arena, "%.*s.dkr.ecr.%.*s.amazonaws.com",
		(int)part[4].n, part[4].p, (int)part[3].n, part[3].p);
}

static const char *read_host(const struct cloudevent *ev, struct arena *arena)
{
	const char *text = either(ev->data, "registry", "registryUrl");
	const char *host = vendor_url_host(arena, text);

	if (host || text)
		return host ? host : text;
	return ecr_host(ev->source, arena);
}

int cloudevent_plain(const struct cloudevent *ev, struct provider_out *out,
	struct err *err)
{
	struct provider_push p = {.sender_id = ev->id, .pushed_at = ev->time};
	struct str type = str_from(ev->type);

	if (ev->id && ev->source)
		p.sender_id = arena_printf(&out->arena, "%s %s", ev->source,
			ev->id);
	if (!str_ends(type, STR("image.push")) &&
		!str_ends(type, STR("image.pushed"))) {
		vendor_ignore(out, p.sender_id, NULL, NULL,
			"the event's type is none of a pushed image");
		return 0;
	}
	p.repository = either(ev->data, "repository", "repositoryName");
	if (!p.repository)
		return err_fail(err, "data.repository is missing");
	p.tag = either(ev->data, "tag", "imageTag");
	p.digest = either(ev->data, "digest", "imageDigest");
	p.registry = read_host(ev, &out->arena);
	vendor_push(out, &p);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	if (json_kind(in->body) == JSON_ARRAY && !json_first(in->body))
		return 0; /* a batch may be empty */
	if (!cloudevent_is(in))
		return err_fail(err, "neither specversion nor a Ce-Type header: "
				     "this is not a CloudEvent");
	return cloudevent_parse(in, out, err);
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	char time[STR_TIME_LEN];
	struct json *root = vendor_object("specversion", "1.0", "id",
		p->sender_id, "source", "pullwire", "type",
		"container.image.push", "time", str_time(now, time), NULL);

	json_set(root, "data", vendor_object("repository", p->repository, "tag",
		p->tag, "digest", p->digest, NULL));
	vendor_write(root, body);
}

const struct provider provider_cloudevents = {
	.name = "cloudevents",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.options = true,
};
