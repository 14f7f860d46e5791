/*
 * Docker Distribution (registry:2 and registry:3), GitLab's registry and
 * others made of it. Source: docs/content/about/notifications.md of
 * distribution/distribution, and notifications/event.go there.
 *
 * A body is {"events": [...]}, in practice of one event. Pushes of images by
 * tag are told once per tag; children of an index, layers, pulls, mounts and
 * deletes are told too and need nothing. A registry repeats an event for ever
 * until it is answered 2xx, so all of these must be answered so.
 */
#include "ingress/vendor.h"

/* What one element of events[] says, as it stands there. */
struct item {
	const char *action, *id, *timestamp;
	const char *repository, *tag, *digest, *url, *media_type;
	const char *host;
};

static bool sniff(const struct provider_in *in)
{
	const struct json *events = json_get(in->body, "events");

	return json_kind(events) == JSON_ARRAY &&
		(json_len(events) == 0 ||
			json_get(json_first(events), "target"));
}

static int read_item(const struct json *ev, struct item *it, struct err *err)
{
	if (json_kind(ev) != JSON_OBJECT)
		return err_fail(err, "is not an object");
	if (json_need_str(ev, "action", &it->action, err) < 0 ||
		json_want_str(ev, "id", &it->id, err) < 0 ||
		json_want_str(ev, "timestamp", &it->timestamp, err) < 0 ||
		json_want_str(ev, "target.repository", &it->repository,
			err) < 0 ||
		json_want_str(ev, "target.tag", &it->tag, err) < 0 ||
		json_want_str(ev, "target.digest", &it->digest, err) < 0 ||
		json_want_str(ev, "target.url", &it->url, err) < 0 ||
		json_want_str(ev, "target.mediaType", &it->media_type,
			err) < 0 ||
		json_want_str(ev, "request.host", &it->host, err) < 0)
		return -1;
	return 0;
}

/* Registries of 2015 call manifests octet-stream too, so the URL decides. */
static bool is_blob(const struct item *it)
{
	if (it->url && (strstr(it->url, "/blobs/") ||
		strstr(it->url, "/blob/")))
		return true;
	if (it->url && strstr(it->url, "/manifests/"))
		return false;
	return it->media_type &&
		!strcmp(it->media_type, "application/octet-stream");
}

/* Why the event needs nothing; NULL when it is a push of a tag. */
static const char *idle_reason(const struct item *it)
{
	static const struct {
		const char *action, *reason;
	} actions[] = {
		{"pull", "an image or layer was pulled, not pushed"},
		{"mount", "a layer was mounted from another repository"},
		{"delete", "an image, layer or tag was deleted, not pushed"},
	};

	for (size_t i = 0; i < ARRAY_LEN(actions); i++)
		if (!strcmp(it->action, actions[i].action))
			return actions[i].reason;
	if (strcmp(it->action, "push") != 0)
		return "the action is none that Pullwire acts on";
	if (is_blob(it))
		return "a layer was pushed, not an image";
	if (!it->tag || !*it->tag)
		return "an image was pushed without a tag";
	if (vendor_is_signature(it->tag))
		return "a signature or attestation was pushed, not an image";
	return NULL;
}

static int parse_item(const struct json *ev, const char *where,
	struct provider_out *out, struct err *err)
{
	struct item it = {0};
	struct provider_push push = {.where = where};
	const char *reason;

	if (read_item(ev, &it, err) < 0)
		return err_prefix(err, "%s", where);
	reason = idle_reason(&it);
	if (reason) {
		struct provider_ignored ig = {
			it.id, it.repository, it.tag, reason};

		VEC_PUSH(&out->ignored, ig);
		return 0;
	}
	if (!it.repository)
		return err_fail(err, "%s: target.repository is missing", where);
	if (it.timestamp &&
		str_to_time(str_from(it.timestamp), &push.pushed_at) < 0)
		return err_fail(err, "%s: timestamp is not an RFC 3339 time",
			where);
	push.sender_id = it.id;
	push.registry = it.host;
	push.repository = it.repository;
	push.tag = it.tag;
	push.digest = it.digest;
	VEC_PUSH(&out->pushes, push);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *events = json_get(in->body, "events");
	size_t i = 0;

	if (json_kind(events) != JSON_ARRAY)
		return err_fail(err, "events is missing or not a list");
	for (const struct json *ev = json_first(events); ev;
		ev = json_next(ev), i++) {
		const char *where = arena_printf(&out->arena, "events.%zu", i);

		if (arena_failed(&out->arena))
			return err_fail(err, "the body has too many events");
		if (parse_item(ev, where, out, err) < 0)
			return -1;
	}
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct json *root = json_new_object(), *list = json_new_array();
	struct json *ev = json_new_object(), *target = json_new_object();
	char time[STR_TIME_LEN];

	json_set_str(ev, "id", p->sender_id);
	json_set_str(ev, "timestamp", str_time(now, time));
	json_set_str(ev, "action", "push");
	json_set_str(target, "repository", p->repository);
	json_set_str(target, "tag", p->tag);
	if (p->digest)
		json_set_str(target, "digest", p->digest);
	json_set(ev, "target", target);
	json_push(list, ev);
	json_set(root, "events", list);
	json_write(root, body);
	json_free(root);
}

const struct provider provider_distribution = {
	.name = "distribution",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.patience_ms = 400, /* `timeout: 500ms` of its documentation */
};
