/*
 * Tencent Container Registry, Enterprise: Harbor's body of 1.9. Source:
 * Tencent Cloud's documentation, "TCR: Managing Triggers (Webhook)".
 */
#include "ingress/provider.h"

static bool sniff(const struct provider_in *in UNUSED)
{
	return false; /* such a body is Harbor's */
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	return provider_harbor.parse(in, out, err);
}

static void compose(const struct provider_push *push, int64_t now,
	struct strbuf *body)
{
	provider_harbor.compose(push, now, body);
}

const struct provider provider_tencent = {
	.name = "tencent",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
};
