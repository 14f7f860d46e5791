#include "deployer/registry/verify.h"

#include "proto/base/mem.h"

bool verify_needed(const struct conf_source *source, const struct event *e)
{
	return source ? conf_source_verifies(source) : !e->trigger;
}

static bool same_host(struct str a, struct str b)
{
	return str_eq(a, b) || (conf_host_is_hub(a) && conf_host_is_hub(b));
}

/* The host of a registry_map's TO. */
static struct str mapped(const char *entry)
{
	struct str s = str_from(entry);

	s = str_cut(s, str_find(s, '=') + 1, s.n);
	return str_cut(s, 0, str_find(s, '/'));
}

static bool trigger_names(const struct conf_trigger *t, struct str host)
{
	size_t n = conf_host_len(t->repository);
	struct str pattern = {t->repository, n};

	return n > 0 && str_find(pattern, '*') == n && same_host(pattern, host);
}

int verify_known(const struct conf_source *source,
	const struct conf_trigger *trigger, const struct event *e,
	struct err *err)
{
	/* A push without a host is pulled from Docker Hub. */
	struct str host = e->registry ? str_from(e->registry) : STR("docker.io");
	bool known;

	if (!source)
		return err_fail(err, "the deployer's configuration has no source "
			"%s, so it is not known whether a registry has to "
			"confirm its pushes: give the deployer the file that "
			"ingress reads, and push again", e->source);
	known = trigger_names(trigger, host) ||
		(source->registry &&
			same_host(str_from(source->registry), host)) ||
		(source->type == SOURCE_DOCKERHUB && conf_host_is_hub(host));

	for (size_t i = 0; i < source->registry_map.n; i++)
		known |= same_host(mapped(source->registry_map.v[i]), host);
	if (known)
		return 0;
	if (!source->registry && source->registry_map.n == 0)
		return err_fail(err, "source %s proves nothing about its "
			"pushes, and nothing says which registry can confirm "
			"them: give it `registry: %.*s` if that is right, or "
			"write `verify: none`", source->name, (int)host.n,
			host.p);
	return err_fail(err, "registry %.*s is none that source %s names, so "
		"it cannot confirm this push", (int)host.n, host.p,
		source->name);
}

bool verify_same(const struct event *e, const char *digest)
{
	return !e->digest || strcmp(e->digest, digest) == 0;
}

void verify_stale(const struct event *e, const char *digest, char *out,
	size_t n)
{
	snprintf(out, n, "the push said that tag %s is %s, but the registry "
			 "has %s there: nothing was done",
		e->tag, e->digest, digest);
}
