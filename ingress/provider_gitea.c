/*
 * Gitea and Forgejo: event `package`. Source: Gitea's modules/structs/hook.go
 * and package.go, and services/webhook.
 *
 * The package's version is the tag, or the digest when it was pushed without
 * one. The registry is the server itself, so its host is that of the package's
 * page. Headers carry the delivery's id.
 */
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	return vendor_str(in->body, "package.type") &&
		vendor_str(in->body, "package.version");
}

static const char *read_id(const struct request *req)
{
	const char *id = request_header(req, "X-Gitea-Delivery");

	return id ? id : request_header(req, "X-Forgejo-Delivery");
}

static const char *read_owner(const struct json *package)
{
	const char *owner = vendor_str(package, "owner.login");

	return owner ? owner : vendor_str(package, "owner.username");
}

static int take_package(const struct provider_in *in,
	const struct json *package, struct provider_out *out, struct err *err)
{
	struct provider_push p = {.sender_id = read_id(in->req)};
	const char *action, *type, *name, *owner = read_owner(package);

	if (json_need_str(in->body, "action", &action, err) < 0 ||
		json_need_str(package, "type", &type, err) < 0 ||
		json_need_str(package, "name", &name, err) < 0 ||
		json_need_str(package, "version", &p.tag, err) < 0)
		return -1;
	p.repository = vendor_join(&out->arena, owner, name);
	if (strcmp(type, "container") != 0) {
		vendor_ignore(out, p.sender_id, p.repository, NULL,
			"the package is not a container image");
		return 0;
	}
	if (strcmp(action, "created") != 0) {
		vendor_ignore(out, p.sender_id, p.repository, p.tag,
			"the image was deleted, not pushed");
		return 0;
	}
	if (!owner)
		return err_fail(err, "package.owner.login is missing");
	p.registry = vendor_url_host(&out->arena,
		vendor_str(package, "html_url"));
	p.pushed_at = vendor_time(package, "created_at");
	vendor_push(out, &p);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *package = json_get(in->body, "package");

	if (json_kind(in->body) != JSON_OBJECT)
		return err_fail(err, "the body is not an object");
	if (package)
		return take_package(in, package, out, err);
	vendor_ignore(out, read_id(in->req), NULL, NULL,
		"the event is none of a package");
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct json *root = vendor_object("action", "created", NULL), *package;
	struct str owner = str_from(p->repository), name;
	char time[STR_TIME_LEN], login[256];

	owner = str_cut(owner, 0, str_find(owner, '/'));
	name = str_cut(str_from(p->repository), owner.n + 1,
		strlen(p->repository));
	snprintf(login, sizeof(login), "%.*s", (int)owner.n, owner.p);
	package = vendor_object("type", "container", "name", name.p, "version",
		p->tag, "created_at", str_time(now, time), NULL);
	json_set(package, "owner", vendor_object("login", login, NULL));
	json_set(root, "package", package);
	vendor_write(root, body);
}

const struct provider provider_gitea = {
	.name = "gitea",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.form = true,
};
