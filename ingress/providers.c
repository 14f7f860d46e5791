#include "ingress/provider.h"

/* One event's strings are short; a body cannot ask for more than this. */
#define ARENA_CAP ((size_t)4 << 20)

const struct provider *const providers[] = {
	&provider_distribution,
	&provider_aliyun,
	&provider_generic,
	NULL,
};

const struct provider *provider_named(const char *name)
{
	for (size_t i = 0; providers[i]; i++)
		if (!strcmp(providers[i]->name, name))
			return providers[i];
	return NULL;
}

const struct provider *provider_guess(const struct provider_in *in)
{
	for (size_t i = 0; providers[i]; i++)
		if (providers[i]->sniff(in))
			return providers[i];
	return NULL;
}

void provider_out_init(struct provider_out *out)
{
	memset(out, 0, sizeof(*out));
	arena_init(&out->arena, ARENA_CAP);
}

void provider_out_release(struct provider_out *out)
{
	VEC_RELEASE(&out->pushes);
	VEC_RELEASE(&out->ignored);
	arena_free(&out->arena);
}
