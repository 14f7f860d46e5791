/*
 * Whoever posts: guessed by the headers that only one sender has, then by the
 * body. For a source that several senders share; naming the type is stricter.
 */
#include "ingress/provider.h"

static bool sniff(const struct provider_in *in UNUSED)
{
	return false;
}

static int parse(const struct provider_in *in, struct provider_out *out,
	struct err *err)
{
	const struct provider *p = provider_guess(in);

	if (!p)
		return err_fail(err, "neither the headers nor the body are of "
			"a sender that Pullwire knows; set the source's type");
	return p->parse(in, out, err);
}

static void compose(const struct provider_push *push, int64_t now,
	struct strbuf *body)
{
	provider_generic.compose(push, now, body);
}

const struct provider provider_auto = {
	.name = "auto",
	.sniff = sniff,
	.parse = parse,
	.compose = compose,
	.form = true,
	.options = true,
};
