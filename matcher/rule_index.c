#include "matcher/rule_index.h"

#include "proto/base/map.h"
#include "proto/data/conf.h"

/* Positions of rules, ascending. */
struct positions {
	size_t *v;
	size_t n, cap;
};

struct rule_index {
	const struct rule *rules;
	/*
	 * Last component of a full name -> struct positions. It is the same
	 * in every spelling of a name ("nginx", "library/nginx"), so this
	 * only narrows and never decides.
	 */
	struct map *names;
	struct positions globs;
};

static struct str last_component(const char *repository)
{
	const char *slash = strrchr(repository, '/');

	return str_from(slash != NULL ? slash + 1 : repository);
}

static void add(struct rule_index *ix, size_t position)
{
	const char *repository = ix->rules[position].repository;
	struct positions *at = &ix->globs;

	if (strchr(repository, '*') == NULL) {
		at = map_get(ix->names, last_component(repository));
		if (at == NULL) {
			at = xcalloc(1, sizeof(*at));
			map_put(ix->names, last_component(repository), at);
		}
	}
	VEC_PUSH(at, position);
}

struct rule_index *rule_index_new(const struct rule *rules, size_t n)
{
	struct rule_index *ix = xcalloc(1, sizeof(*ix));

	ix->rules = rules;
	ix->names = map_new();
	for (size_t i = 0; i < n; i++)
		add(ix, i);
	return ix;
}

void rule_index_free(struct rule_index *ix)
{
	struct str key;
	size_t it = 0;
	void *at;

	if (ix == NULL)
		return;
	while (map_next(ix->names, &it, &key, &at)) {
		VEC_RELEASE((struct positions *)at);
		free(at);
	}
	map_free(ix->names);
	VEC_RELEASE(&ix->globs);
	free(ix);
}

void rule_index_find(const struct rule_index *ix, const char *repository,
	struct rule_list *out)
{
	static const struct positions none;
	const struct positions *names =
		map_get(ix->names, last_component(repository));
	const struct positions *globs = &ix->globs;
	size_t i = 0, k = 0;

	if (names == NULL)
		names = &none;
	/* Both are ascending: merging them keeps the rules' order. */
	while (i < names->n || k < globs->n) {
		bool name = k == globs->n ||
			(i < names->n && names->v[i] < globs->v[k]);
		const struct rule *r =
			&ix->rules[name ? names->v[i++] : globs->v[k++]];

		if (conf_repository_match(r->repository, repository))
			VEC_PUSH(out, r);
	}
}
