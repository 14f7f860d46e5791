/*
 * GitLab's container registry is a Docker Distribution: a self-hosted one
 * sends its events (Administer the container registry, "Configure container
 * registry notifications"). gitlab.com sends nothing for images.
 */
#include "ingress/provider.h"

static bool sniff(const struct provider_in *in UNUSED)
{
	return false; /* such a body is distribution's */
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	return provider_distribution.parse(in, out, err);
}

static void compose(const struct provider_push *push, int64_t now,
	struct strbuf *body)
{
	provider_distribution.compose(push, now, body);
}

const struct provider provider_gitlab = {
	.name = "gitlab",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.patience_ms = 400, /* its registry is a distribution registry */
};
