/*
 * Amazon ECR's events: from EventBridge directly, or through SNS, wrapped or
 * raw. Source: Amazon's "Amazon ECR events and EventBridge" and "HTTP/HTTPS
 * notification JSON format" of SNS.
 *
 * No host: it is ACCOUNT.dkr.ecr.REGION.amazonaws.com. An SNS subscription
 * begins when the URL in its confirmation is visited. Ingress connects to
 * nothing out there, so the URL goes into the access log for the operator, and
 * only when the source names the topic and the URL is Amazon's own for it.
 */
#include "ingress/vendor.h"
#include "proto/data/conf.h"

#define REPLICATION "ECR Replication Action"

static bool sniff(const struct provider_in *in)
{
	return vendor_str(in->body, "detail-type") ||
		(vendor_str(in->body, "Type") &&
			vendor_str(in->body, "TopicArn"));
}

static bool is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
			!(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
			return false;
	return s.n > 0 && s.n <= 32;
}

/* ---- EventBridge --------------------------------------------------------- */

static const char *derive_host(const struct json *event, struct arena *arena)
{
	const char *account = vendor_str(event, "account");
	const char *region = vendor_str(event, "region");

	if (!is_word(str_from(account)) || !is_word(str_from(region)))
		return NULL;
	return arena_printf(arena, "%s.dkr.ecr.%s.amazonaws.com%s", account,
		region, !strncmp(region, "cn-", 3) ? ".cn" : "");
}

static const char *idle_reason(const char *type, const char *action,
	const char *result)
{
	if (!strcmp(type, "ECR Image Scan") ||
		!strcmp(type, "ECR Scan Resource Change"))
		return "a scan's event";
	if (!strcmp(type, "ECR Pull Through Cache Action"))
		return "an image was taken into the cache, not pushed";
	if (strcmp(type, "ECR Image Action") != 0 &&
		strcmp(type, REPLICATION) != 0)
		return "the event is none of a pushed image";
	if (!action || (strcmp(action, "PUSH") != 0 &&
		strcmp(action, "REPLICATE") != 0))
		return "the action is none of a push: an image was deleted or "
		       "stored otherwise";
	if (!result || strcmp(result, "SUCCESS") != 0)
		return "the push did not succeed";
	return NULL;
}

static int take_event(const struct json *event, struct provider_out *out,
	struct err *err)
{
	struct provider_push p = {0};
	const char *type, *action, *result, *reason;

	if (json_need_str(event, "detail-type", &type, err) < 0 ||
		json_want_str(event, "id", &p.sender_id, err) < 0 ||
		json_want_str(event, "detail.action-type", &action, err) < 0 ||
		json_want_str(event, "detail.result", &result, err) < 0 ||
		json_want_str(event, "detail.repository-name", &p.repository,
			err) < 0 ||
		json_want_str(event, "detail.image-tag", &p.tag, err) < 0 ||
		json_want_str(event, "detail.image-digest", &p.digest, err) < 0)
		return -1;
	reason = idle_reason(type, action, result);
	if (reason) {
		vendor_ignore(out, p.sender_id, p.repository, p.tag, reason);
		return 0;
	}
	if (!p.repository)
		return err_fail(err, "detail.repository-name is missing");
	p.registry = derive_host(event, &out->arena);
	p.region = vendor_str(event, "region");
	p.pushed_at = vendor_time(event, "time");
	vendor_push(out, &p);
	return 0;
}

/* ---- SNS ----------------------------------------------------------------- */

/* https://sns.REGION.amazonaws.com[.cn]/?… */
static bool is_amazon(const char *url)
{
	struct str s = str_from(url), host, domain;

	if (!str_starts(s, STR("https://sns.")))
		return false;
	host = str_cut(s, strlen("https://sns."), s.n);
	host = str_cut(host, 0, str_find(host, '/'));
	domain = str_cut(host, str_find(host, '.'), host.n);
	return is_word(str_cut(host, 0, host.n - domain.n)) &&
		(str_is(domain, ".amazonaws.com") ||
			str_is(domain, ".amazonaws.com.cn"));
}

static const char *confirmation(const struct provider_in *in,
	struct arena *arena)
{
	const char *url = vendor_str(in->body, "SubscribeURL");

	if (!in->source->topic)
		return "SNS asks to confirm a subscription; set the source's "
		       "`topic` to see the address that confirms it";
	if (!url || !is_amazon(url) || strlen(url) > 800)
		return "SNS asks to confirm a subscription, but at an address "
		       "that is not Amazon's; it was left alone";
	return arena_printf(arena, "SNS asks to confirm the subscription; visit "
				   "%s once to begin it", url);
}

static int take_sns(const struct provider_in *in, const char *type,
	struct provider_out *out, struct err *err)
{
	const char *topic, *message, *id, *reason = NULL;
	const struct json *event;

	if (json_need_str(in->body, "TopicArn", &topic, err) < 0 ||
		json_want_str(in->body, "Message", &message, err) < 0 ||
		json_want_str(in->body, "MessageId", &id, err) < 0)
		return -1;
	event = message ? vendor_inner(out, str_from(message)) : NULL;
	if (in->source->topic && strcmp(topic, in->source->topic) != 0)
		reason = "the SNS topic is not the source's";
	else if (!strcmp(type, "SubscriptionConfirmation"))
		reason = confirmation(in, &out->arena);
	else if (!strcmp(type, "UnsubscribeConfirmation"))
		reason = "the SNS subscription has ended";
	else if (!vendor_str(event, "detail-type"))
		reason = "the SNS message is not an event of ECR";
	if (reason) {
		vendor_ignore(out, id, NULL, NULL, reason);
		return 0;
	}
	if (take_event(event, out, err) < 0)
		return err_prefix(err, "Message");
	return 0;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const char *type = vendor_str(in->body, "Type"), *topic;

	if (type)
		return take_sns(in, type, out, err);
	/* Raw delivery has the topic in a header. */
	topic = request_header(in->req, "x-amz-sns-topic-arn");
	if (topic && in->source->topic && strcmp(topic, in->source->topic)) {
		vendor_ignore(out, NULL, NULL, NULL,
			"the SNS topic is not the source's");
		return 0;
	}
	return take_event(in->body, out, err);
}

static void compose(const struct provider_push *p, int64_t now,
	struct strbuf *body)
{
	char time[STR_TIME_LEN];
	struct json *root = vendor_object("id", p->sender_id, "detail-type",
		"ECR Image Action", "time", str_time(now, time), NULL);

	json_set(root, "detail", vendor_object("result", "SUCCESS",
		"action-type", "PUSH", "repository-name", p->repository,
		"image-tag", p->tag, "image-digest", p->digest, NULL));
	vendor_write(root, body);
}

const struct provider provider_ecr = {
	.name = "ecr",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
