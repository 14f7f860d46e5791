/*
 * Harbor: the default body ({"type","event_data"}) of 1.9 and later, the one
 * that the manual of 1.10 shows ({"event_type","events"}), and CloudEvents
 * since 2.8. Source: Harbor's manual, "Configure Webhook Notifications", and
 * src/pkg/notifier there.
 *
 * A push by digest, of a child of an index or by replication has the digest
 * where the tag should be. The host is in resource_url, which has no scheme.
 * Default bodies have no id.
 */
#include "ingress/cloudevent.h"
#include "ingress/vendor.h"

/* What a type's word begins with, for the default form of 2.x, of 1.x and for
 * CloudEvents; NULL is a push. */
static const struct {
	const char *prefix, *reason;
} types[] = {
	{"PUSH_ARTIFACT", NULL},
	{"pushImage", NULL},
	{"harbor.artifact.pushed", NULL},
	{"PULL_", "an image was pulled, not pushed"},
	{"pullImage", "an image was pulled, not pushed"},
	{"harbor.artifact.pulled", "an image was pulled, not pushed"},
	{"DELETE_", "an image was deleted, not pushed"},
	{"deleteImage", "an image was deleted, not pushed"},
	{"harbor.artifact.deleted", "an image was deleted, not pushed"},
	{"SCANNING_", "a scan's event"},
	{"scanning", "a scan's event"},
	{"harbor.scan.", "a scan's event"},
	{"QUOTA_EXCEED", "the push was refused: the project's quota is used up"},
	{"harbor.quota.exceeded",
		"the push was refused: the project's quota is used up"},
	{"QUOTA_", "a quota's warning; the push has an event of its own"},
	{"harbor.quota.",
		"a quota's warning; the push has an event of its own"},
	{"REPLICATION", "a replication's event; what it pushed has its own"},
	{"harbor.replication.",
		"a replication's event; what it pushed has its own"},
	{"TAG_RETENTION", "a tag retention's event"},
	{"harbor.tag_retention.", "a tag retention's event"},
	{"", "the type is none that Pullwire acts on"},
};

static const char *idle_reason(const char *type)
{
	size_t i = 0;

	while (!str_starts(str_from(type), str_from(types[i].prefix)))
		i++;
	return types[i].reason;
}

static int take_resource(const struct json *resource,
	const struct provider_push *common, struct provider_out *out,
	struct err *err)
{
	struct provider_push p = *common;
	struct vendor_reference ref;
	const char *url;

	if (json_kind(resource) != JSON_OBJECT)
		return err_fail(err, "resources has what is not an object");
	if (json_want_str(resource, "tag", &p.tag, err) < 0 ||
		json_want_str(resource, "digest", &p.digest, err) < 0 ||
		json_want_str(resource, "resource_url", &url, err) < 0)
		return -1;
	vendor_reference(&out->arena, url, &ref);
	p.registry = ref.host;
	vendor_push(out, &p);
	return 0;
}

/* The name by its parts: the full name of some bodies is another's. */
static const char *read_repository(const struct json *data,
	struct arena *arena)
{
	const char *namespace = vendor_str(data, "repository.namespace");
	const char *name = vendor_str(data, "repository.name");

	if (namespace && name)
		return vendor_join(arena, namespace, name);
	return vendor_str(data, "repository.repo_full_name");
}

static int take_data(const struct json *data, const char *type,
	const char *id, int64_t time, struct provider_out *out, struct err *err)
{
	const struct json *resources = json_get(data, "resources");
	struct provider_push p = {.pushed_at = time};
	const char *reason = idle_reason(type);
	size_t i = 0;

	p.repository = read_repository(data, &out->arena);
	if (reason) {
		vendor_ignore(out, id, p.repository, NULL, reason);
		return 0;
	}
	if (json_kind(resources) != JSON_ARRAY || !json_first(resources))
		return err_fail(err, "resources is missing or an empty list");
	if (!p.repository)
		return err_fail(err, "repository has no name");
	p.repo_type = vendor_str(data, "repository.repo_type");
	for (const struct json *r = json_first(resources); r; r = json_next(r)) {
		p.sender_id = vendor_nth_id(&out->arena, id, i++);
		if (take_resource(r, &p, out, err) < 0)
			return -1;
	}
	if (arena_failed(&out->arena))
		return err_fail(err, "the body has too many resources");
	return 0;
}

int cloudevent_harbor(const struct cloudevent *ev, struct provider_out *out,
	struct err *err)
{
	return take_data(ev->data, ev->type, ev->id, ev->time, out, err);
}

/* The form that the manual of 1.10 shows. */
static int parse_manual(const struct json *body, struct provider_out *out,
	struct err *err)
{
	const struct json *events = json_get(body, "events");
	const char *type, *reason;

	if (json_need_str(body, "event_type", &type, err) < 0)
		return -1;
	if (json_kind(events) != JSON_ARRAY)
		return err_fail(err, "events is not a list");
	reason = idle_reason(type);
	for (const struct json *e = json_first(events); e; e = json_next(e)) {
		struct provider_push p = {0};

		if (json_need_str(e, "full_name", &p.repository, err) < 0 ||
			json_want_str(e, "tag", &p.tag, err) < 0)
			return -1;
		if (reason)
			vendor_ignore(out, NULL, p.repository, p.tag, reason);
		else
			vendor_push(out, &p);
	}
	return 0;
}

static bool sniff(const struct provider_in *in)
{
	return (vendor_str(in->body, "type") &&
		       json_kind(json_get(in->body, "event_data")) ==
			       JSON_OBJECT) ||
		(vendor_str(in->body, "event_type") &&
			json_kind(json_get(in->body, "events")) == JSON_ARRAY);
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *data = json_get(in->body, "event_data");
	const char *type;

	if (cloudevent_is(in))
		return cloudevent_parse(in, out, err);
	if (json_get(in->body, "event_type"))
		return parse_manual(in->body, out, err);
	if (json_need_str(in->body, "type", &type, err) < 0)
		return -1;
	if (json_kind(data) != JSON_OBJECT)
		return err_fail(err, "event_data is missing or not an object");
	if (take_data(data, type, NULL, vendor_time(in->body, "occur_at"), out,
		err) < 0)
		return err_prefix(err, "event_data");
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct json *root = vendor_object("type", "PUSH_ARTIFACT", NULL);
	struct json *data = json_new_object(), *resources = json_new_array();

	json_set_i64(root, "occur_at", now / 1000);
	json_push(resources,
		vendor_object("tag", p->tag, "digest", p->digest, NULL));
	json_set(data, "resources", resources);
	json_set(data, "repository",
		vendor_object("repo_full_name", p->repository, NULL));
	json_set(root, "event_data", data);
	vendor_write(root, body);
}

const struct provider provider_harbor = {
	.name = "harbor",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.patience_ms = 2500, /* it waits for 3 s */
};
