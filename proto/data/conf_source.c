/* Checks a source of webhooks. See conf_load.h. */
#include "proto/data/conf_load.h"

/* FROM=TO: two names of registries, perhaps with a path. */
static bool is_mapping(const char *text)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "._-:/[]";
	size_t from = strspn(text, name);
	size_t to = text[from] == '=' ? strspn(text + from + 1, name) : 0;

	return from && to && !text[from + 1 + to] && *text != '/' &&
		text[from - 1] != '/' && text[from + 1] != '/' &&
		text[from + to] != '/' && !strstr(text, "//");
}

void conf_check_source(struct conf_loader *l, const struct yaml *map,
	struct conf_source *s)
{
	conf_check_name(l, map, "source", s->name, &s->where);
	conf_check_auth(l, map, s);
	for (size_t i = 0; i < s->registry_map.n; i++)
		if (!is_mapping(s->registry_map.v[i]))
			FAULT(map, "registry_map", "registry_map: `%s` is not "
				"`FROM=TO`, each HOST[:PORT][/PATH] without a "
				"scheme", s->registry_map.v[i]);
	if (s->verify == VERIFY_REGISTRY && !s->registry &&
		s->registry_map.n == 0 && s->type != SOURCE_DOCKERHUB)
		FAULT(map, "verify", "verify: nothing says which registry is "
				     "asked; give the source its `registry`");
	if (s->topic && s->type != SOURCE_ECR && s->type != SOURCE_AUTO)
		FAULT(map, "topic", "topic: only a source of type `ecr` has "
				    "one");
}
