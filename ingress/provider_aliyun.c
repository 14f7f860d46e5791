/*
 * Alibaba Cloud Container Registry, personal edition, and the classic trigger
 * of the enterprise edition. Source: "Manage triggers" and the sample body in
 * Alibaba Cloud's documentation (doc-detail 60949).
 *
 * One push a body. No signature: the secret travels in the URL. No host: it
 * is registry.<region>.aliyuncs.com unless the source says otherwise. Times
 * are China's (UTC+8) without a zone. Digests in circulation are not always
 * digests; such a one is dropped, and the tag alone says what to deploy.
 *
 * The enterprise edition's events over EventBridge are CloudEvents ("Container
 * Registry events" there). The documentation names cr:Artifact:PushCompleted
 * without a sample; it is read by the fields that its fellows share.
 */
#include "ingress/cloudevent.h"
#include "ingress/normalise.h"
#include "ingress/vendor.h"

#define CHINA_OFFSET_MS ((int64_t)8 * 3600 * 1000)

static bool sniff(const struct provider_in *in)
{
	return json_path(in->body, "push_data.tag") &&
		json_path(in->body, "repository.region");
}

/* "2016-11-29 12:25:46" in China, into UTC ms. */
static int china_time(const char *text, int64_t *out)
{
	char rfc3339[32];

	if (strlen(text) != 19 || text[10] != ' ')
		return -1;
	snprintf(rfc3339, sizeof(rfc3339), "%.10sT%.8s+08:00", text, text + 11);
	return str_to_time(str_from(rfc3339), out);
}

/* Regions and instances are names like cn-hangzhou; nothing else gets into a
 * host. */
static bool is_name(const char *name)
{
	size_t n = name ? strlen(name) : 0;

	if (n == 0 || n > 32)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') &&
			!(name[i] >= '0' && name[i] <= '9') &&
			!(name[i] == '-' && i > 0))
			return false;
	return true;
}

static const char *derive_host(const char *region, struct arena *arena)
{
	if (!is_name(region))
		return NULL;
	return arena_printf(arena, "registry.%s.aliyuncs.com", region);
}

static int read_repository(const struct json *body, struct arena *arena,
	const char **out, struct err *err)
{
	const char *namespace, *name;

	if (json_want_str(body, "repository.repo_full_name", out, err) < 0)
		return -1;
	if (*out)
		return 0;
	if (json_need_str(body, "repository.namespace", &namespace, err) < 0 ||
		json_need_str(body, "repository.name", &name, err) < 0)
		return -1;
	*out = arena_printf(arena, "%s/%s", namespace, name);
	return 0;
}

static const char *idle_reason(const char *type)
{
	static const struct {
		const char *type, *reason;
	} types[] = {
		{"cr:Artifact:BuildCompleted",
			"a build's event; what it pushed has its own"},
		{"cr:Artifact:ScanCompleted", "a scan's event"},
		{"cr:Artifact:SigningCompleted", "an image was signed"},
		{"cr:Artifact:SynchronizationCompleted",
			"an image was copied to another region"},
		{"cr:Artifact:DeliveryChainCompleted",
			"a delivery chain has ended"},
	};

	if (!strcmp(type, "cr:Artifact:PushCompleted"))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(type, types[i].type))
			return types[i].reason;
	return "the type is none that Pullwire acts on";
}

/* INSTANCE-registry.REGION.cr.aliyuncs.com */
static const char *instance_host(const struct json *data, struct arena *arena)
{
	const char *instance = vendor_str(data, "InstanceName");
	const char *region = vendor_str(data, "RegionId");

	if (!is_name(instance) || !is_name(region))
		return NULL;
	return arena_printf(arena, "%s-registry.%s.cr.aliyuncs.com", instance,
		region);
}

int cloudevent_aliyun(const struct cloudevent *ev, struct provider_out *out,
	struct err *err)
{
	struct provider_push p = {.sender_id = ev->id, .pushed_at = ev->time};
	const char *reason = idle_reason(ev->type);
	const char *namespace, *name;

	if (json_want_str(ev->data, "RepoNamespaceName", &namespace, err) < 0 ||
		json_want_str(ev->data, "RepoName", &name, err) < 0 ||
		json_want_str(ev->data, "Tag", &p.tag, err) < 0 ||
		json_want_str(ev->data, "Digest", &p.digest, err) < 0 ||
		json_want_str(ev->data, "RegionId", &p.region, err) < 0)
		return -1;
	p.repository = vendor_join(&out->arena, namespace, name);
	if (reason) {
		vendor_ignore(out, ev->id, p.repository, p.tag, reason);
		return 0;
	}
	if (!namespace || !name)
		return err_fail(err, "data.RepoNamespaceName or data.RepoName "
				     "is missing");
	p.registry = instance_host(ev->data, &out->arena);
	vendor_push(out, &p);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *b = in->body;
	struct provider_push p = {0};
	const char *pushed_at;

	if (cloudevent_is(in))
		return cloudevent_parse(in, out, err);
	if (json_need_str(b, "push_data.tag", &p.tag, err) < 0 ||
		json_want_str(b, "push_data.digest", &p.digest, err) < 0 ||
		json_want_str(b, "push_data.pushed_at", &pushed_at, err) < 0 ||
		read_repository(b, &out->arena, &p.repository, err) < 0 ||
		json_want_str(b, "repository.region", &p.region, err) < 0 ||
		json_want_str(b, "repository.date_created", &p.date_created,
			err) < 0 ||
		json_want_str(b, "repository.repo_authentication_type",
			&p.auth_type, err) < 0 ||
		json_want_str(b, "repository.repo_origin_type", &p.origin_type,
			err) < 0 ||
		json_want_str(b, "repository.repo_type", &p.repo_type,
			err) < 0)
		return -1;
	if (pushed_at && china_time(pushed_at, &p.pushed_at) < 0)
		return err_fail(err, "push_data.pushed_at is not a time of the "
				     "form 2016-11-29 12:25:46");
	if (p.digest && !normalise_is_digest(str_from(p.digest)))
		p.digest = NULL;
	p.registry = derive_host(p.region, &out->arena);
	if (arena_failed(&out->arena))
		return err_fail(err, "the repository's name is too long");
	VEC_PUSH(&out->pushes, p);
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct json *root = json_new_object(), *data = json_new_object();
	struct json *repository = json_new_object();
	char time[STR_TIME_LEN];

	str_time(now + CHINA_OFFSET_MS, time);
	time[10] = ' ';
	time[19] = '\0'; /* without fraction and zone */
	if (p->digest)
		json_set_str(data, "digest", p->digest);
	json_set_str(data, "pushed_at", time);
	json_set_str(data, "tag", p->tag);
	json_set(root, "push_data", data);
	json_set_str(repository, "repo_full_name", p->repository);
	json_set(root, "repository", repository);
	json_write(root, body);
	json_free(root);
}

const struct provider provider_aliyun = {
	.name = "aliyun",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
