#include "ingress/cloudevent.h"

#include "ingress/vendor.h"
#include "proto/base/enc.h"

static const struct {
	const char *prefix;
	int (*take)(const struct cloudevent *ev, struct provider_out *out,
		struct err *err);
} vendors[] = {
	{"harbor.", cloudevent_harbor},
	{"Microsoft.ContainerRegistry.", cloudevent_azure},
	{"cr:", cloudevent_aliyun},
	{"zotregistry.", cloudevent_zot},
	{"", cloudevent_plain},
};

static int take(const struct cloudevent *ev, struct provider_out *out,
	struct err *err)
{
	size_t i = 0;

	while (!str_starts(str_from(ev->type), str_from(vendors[i].prefix)))
		i++;
	if (vendors[i].take(ev, out, err) < 0)
		return ev->where ? err_prefix(err, "%s", ev->where) : -1;
	return 0;
}

static const struct json *read_data(const struct json *event,
	struct provider_out *out)
{
	const char *coded = vendor_str(event, "data_base64");
	const struct json *data = json_get(event, "data");
	struct strbuf text = {0};

	if (data || !coded)
		return data;
	if (!enc_unbase64(str_from(coded), &text))
		data = vendor_inner(out, strbuf_str(&text));
	strbuf_release(&text);
	return data;
}

static int take_structured(const struct json *event, const char *where,
	struct provider_out *out, struct err *err)
{
	struct cloudevent ev = {.where = where};

	if (json_need_str(event, "type", &ev.type, err) < 0 ||
		json_want_str(event, "id", &ev.id, err) < 0)
		return where ? err_prefix(err, "%s", where) : -1;
	ev.source = vendor_str(event, "source");
	ev.subject = vendor_str(event, "subject");
	ev.time = vendor_time(event, "time");
	ev.data = read_data(event, out);
	return take(&ev, out, err);
}

static int take_batch(const struct json *list, struct provider_out *out,
	struct err *err)
{
	size_t i = 0;

	for (const struct json *e = json_first(list); e; e = json_next(e)) {
		const char *where = arena_printf(&out->arena, "events.%zu", i++);

		if (take_structured(e, where, out, err) < 0)
			return -1;
	}
	return 0;
}

static int take_binary(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const char *time = request_header(in->req, "Ce-Time");
	struct cloudevent ev = {
		.id = request_header(in->req, "Ce-Id"),
		.source = request_header(in->req, "Ce-Source"),
		.type = request_header(in->req, "Ce-Type"),
		.subject = request_header(in->req, "Ce-Subject"),
		.data = in->body,
	};

	if (!time || str_to_time(str_from(time), &ev.time) < 0)
		ev.time = 0;
	return take(&ev, out, err);
}

bool cloudevent_is(const struct provider_in *in)
{
	const struct json *first = json_kind(in->body) == JSON_ARRAY
		? json_first(in->body) : in->body;

	return request_header(in->req, "Ce-Type") ||
		json_str(json_get(first, "specversion"));
}

int cloudevent_parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	int result;

	if (request_header(in->req, "Ce-Type"))
		result = take_binary(in, out, err);
	else if (json_kind(in->body) == JSON_ARRAY)
		result = take_batch(in->body, out, err);
	else
		result = take_structured(in->body, NULL, out, err);
	if (!result && arena_failed(&out->arena))
		return err_fail(err, "the body has too many events");
	return result;
}
