/*
 * Google Artifact Registry over a Pub/Sub push subscription, wrapped or not.
 * Source: Google's "Configure Pub/Sub notifications" of Artifact Registry and
 * "Push subscriptions" of Pub/Sub.
 *
 * message.data is base64 of {"action","digest","tag"}, the last two being
 * whole references. A push gives an event by digest and one for each tag.
 */
#include "ingress/vendor.h"
#include "proto/base/enc.h"

static bool sniff(const struct provider_in *in)
{
	return vendor_str(in->body, "message.data") ||
		(json_get(in->body, "message") &&
			json_get(in->body, "subscription"));
}

static const struct json *read_data(const struct json *message,
	struct provider_out *out)
{
	const char *coded = vendor_str(message, "data");
	const struct json *data = NULL;
	struct strbuf text = {0};

	if (coded && !enc_unbase64(str_from(coded), &text))
		data = vendor_inner(out, strbuf_str(&text));
	strbuf_release(&text);
	return data;
}

static int take(const struct json *data, const char *id, int64_t time,
	struct provider_out *out, struct err *err)
{
	struct provider_push p = {.sender_id = id, .pushed_at = time};
	struct vendor_reference by_tag, by_digest;
	const char *action, *tag, *digest;

	if (json_need_str(data, "action", &action, err) < 0 ||
		json_want_str(data, "tag", &tag, err) < 0 ||
		json_want_str(data, "digest", &digest, err) < 0)
		return -1;
	if (!tag && !digest)
		return err_fail(err, "tag and digest are missing");
	vendor_reference(&out->arena, tag, &by_tag);
	vendor_reference(&out->arena, digest, &by_digest);
	p.registry = tag ? by_tag.host : by_digest.host;
	p.repository = tag ? by_tag.repository : by_digest.repository;
	p.tag = by_tag.tag;
	p.digest = by_digest.digest;
	if (strcmp(action, "INSERT") != 0) {
		vendor_ignore(out, id, p.repository, p.tag,
			"an image or tag was deleted, not pushed");
		return 0;
	}
	if (!p.repository)
		return err_fail(err, "tag and digest name no repository");
	vendor_push(out, &p);
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct json *message = json_get(in->body, "message"), *data;
	const char *id;

	if (!message && vendor_str(in->body, "action"))
		return take(in->body, request_header(in->req,
			"x-goog-pubsub-message-id"), 0, out, err);
	if (json_kind(message) != JSON_OBJECT)
		return err_fail(err, "message is missing or not an object");
	if (json_want_str(message, "messageId", &id, err) < 0)
		return -1;
	data = read_data(message, out);
	if (!vendor_str(data, "action")) {
		vendor_ignore(out, id, NULL, NULL,
			"the message is not an event of a registry");
		return 0;
	}
	if (take(data, id, vendor_time(message, "publishTime"), out, err) < 0)
		return err_prefix(err, "message.data");
	return 0;
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	struct strbuf tag = {0}, digest = {0}, text = {0}, coded = {0};
	struct json *root = json_new_object();
	char time[STR_TIME_LEN];

	strbuf_addf(&tag, "%s:%s", p->repository, p->tag);
	strbuf_addf(&digest, "%s@%s", p->repository, p->digest ? p->digest : "");
	vendor_write(vendor_object("action", "INSERT", "tag",
		strbuf_cstr(&tag), "digest",
		p->digest ? strbuf_cstr(&digest) : NULL, NULL), &text);
	enc_base64(text.buf, text.len, &coded);
	json_set(root, "message", vendor_object("data", strbuf_cstr(&coded),
		"messageId", p->sender_id, "publishTime",
		str_time(now, time), NULL));
	vendor_write(root, body);
	strbuf_release(&tag);
	strbuf_release(&digest);
	strbuf_release(&text);
	strbuf_release(&coded);
}

const struct provider provider_gar = {
	.name = "gar",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
