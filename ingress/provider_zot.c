/*
 * Zot's events: CloudEvents in binary mode, whose type is only in a header.
 * Source: project-zot/zot, pkg/extensions/events, and zot's manual, "Event
 * notifications".
 *
 * Pushes and deletes have the same body. reference is a tag or a digest; there
 * is no host.
 */
#include "ingress/cloudevent.h"
#include "ingress/vendor.h"

static bool sniff(const struct provider_in *in)
{
	const char *type = vendor_str(in->body, "type");

	return vendor_str(in->body, "specversion") && type &&
		str_starts(str_from(type), STR("zotregistry."));
}

int cloudevent_zot(const struct cloudevent *ev, struct provider_out *out,
	struct err *err)
{
	struct provider_push p = {.sender_id = ev->id, .pushed_at = ev->time};

	if (json_want_str(ev->data, "name", &p.repository, err) < 0 ||
		json_want_str(ev->data, "reference", &p.tag, err) < 0 ||
		json_want_str(ev->data, "digest", &p.digest, err) < 0)
		return -1;
	if (strcmp(ev->type, "zotregistry.image.updated") != 0) {
		vendor_ignore(out, ev->id, p.repository, NULL,
			"the event is none of a pushed image");
		return 0;
	}
	if (!p.repository)
		return err_fail(err, "name is missing");
	vendor_push(out, &p);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	if (cloudevent_is(in))
		return cloudevent_parse(in, out, err);
	return err_fail(err, "there is no Ce-Type header, so the event's type "
			     "is not known");
}

/* In structured mode, which needs no headers. */
static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	char time[STR_TIME_LEN];
	struct json *root = vendor_object("specversion", "1.0", "id",
		p->sender_id, "source", "pullwire", "type",
		"zotregistry.image.updated", "time", str_time(now, time), NULL);

	json_set(root, "data", vendor_object("name", p->repository, "reference",
		p->tag, "digest", p->digest, NULL));
	vendor_write(root, body);
}

const struct provider provider_zot = {
	.name = "zot",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
