/*
 * GitHub's container registry: events `package` and `registry_package`.
 * Source: GitHub's documentation, "Webhook events and payloads".
 *
 * Each push sends both events, and one of each for every untagged child of an
 * index. The two get one id, made of what they have in common, so that the
 * second is the first's duplicate: repository, tag, version and the time of
 * the package's update. Without that time pushing an older image again would
 * be taken for a repeat, so then the delivery's id is the event's.
 */
#include "ingress/vendor.h"

#include <strings.h>

#include "ingress/normalise.h"
#include "proto/base/enc.h"

static const struct json *find_package(const struct json *body)
{
	const struct json *p = json_get(body, "package");

	return p ? p : json_get(body, "registry_package");
}

static bool is_ping(const struct provider_in *in)
{
	const char *event = request_header(in->req, "X-GitHub-Event");

	if (event)
		return !strcmp(event, "ping");
	return json_get(in->body, "zen") && json_get(in->body, "hook_id");
}

static bool sniff(const struct provider_in *in)
{
	return vendor_str(find_package(in->body), "ecosystem") || is_ping(in);
}

static bool is_container(const struct json *package)
{
	static const char *const paths[] = {
		"ecosystem", "package_type", "registry.type"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *word = vendor_str(package, paths[i]);

		if (word && (!strcasecmp(word, "container") ||
			!strcasecmp(word, "docker")))
			return true;
	}
	return false;
}

static const char *read_digest(const struct json *version)
{
	static const char *const paths[] = {
		"version", "name", "container_metadata.tag.digest"};

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		const char *digest = vendor_str(version, paths[i]);

		if (normalise_is_digest(str_from(digest)))
			return digest;
	}
	return NULL;
}

static const char *make_id(const struct provider_in *in,
	const struct json *package, const struct provider_push *p,
	struct arena *arena)
{
	const char *updated = vendor_str(package, "updated_at");
	char hex[ENC_SHA256_HEX];
	const char *text;

	if (!updated || str_starts(str_from(updated), STR("0001-")))
		return request_header(in->req, "X-GitHub-Delivery");
	text = arena_printf(arena, "%s:%s@%s %s", p->repository, p->tag,
		p->digest ? p->digest : "", updated);
	if (!text)
		return NULL;
	enc_sha256_hex(text, strlen(text), hex);
	return arena_strdup(arena, str_from(hex));
}

static int take_package(const struct provider_in *in,
	const struct json *package, struct provider_out *out, struct err *err)
{
	const struct json *version = json_get(package, "package_version");
	struct provider_push p = {.registry = "ghcr.io"};
	struct vendor_reference ref;

	vendor_reference(&out->arena, vendor_str(version, "package_url"), &ref);
	if (ref.host)
		p.registry = ref.host;
	p.repository = ref.repository ? ref.repository
		: vendor_join(&out->arena, vendor_str(package, "namespace"),
			vendor_str(package, "name"));
	if (!p.repository)
		return err_fail(err, "the package has no name");
	p.tag = vendor_str(version, "container_metadata.tag.name");
	p.digest = read_digest(version);
	if (p.tag)
		p.sender_id = make_id(in, package, &p, &out->arena);
	vendor_push(out, &p);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *package = find_package(in->body);
	const char *name = vendor_str(package, "name"), *action;

	if (json_kind(in->body) != JSON_OBJECT)
		return err_fail(err, "the body is not an object");
	if (is_ping(in) || !package) {
		vendor_ignore(out, NULL, NULL, NULL, is_ping(in)
			? "a ping: the webhook is set up"
			: "the event is none of a package");
		return 0;
	}
	if (json_need_str(in->body, "action", &action, err) < 0)
		return -1;
	if (!is_container(package))
		vendor_ignore(out, NULL, name, NULL,
			"the package is not a container image");
	else if (strcmp(action, "published") != 0 &&
		strcmp(action, "updated") != 0 && strcmp(action, "create") != 0)
		vendor_ignore(out, NULL, name, NULL,
			"the action is none that Pullwire acts on");
	else
		return take_package(in, package, out, err);
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct json *root = vendor_object("action", "published", NULL);
	struct json *metadata = json_new_object(), *version, *package;
	char time[STR_TIME_LEN];

	package = vendor_object("name", p->repository, "ecosystem", "CONTAINER",
		"updated_at", str_time(now, time), NULL);
	version = vendor_object("version", p->digest, NULL);
	json_set(metadata, "tag", vendor_object("name", p->tag, NULL));
	json_set(version, "container_metadata", metadata);
	json_set(package, "package_version", version);
	json_set(root, "package", package);
	vendor_write(root, body);
}

const struct provider provider_github = {
	.name = "github",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.form = true,
};
