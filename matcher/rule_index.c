#include "matcher/rule_index.h"

#include "proto/base/map.h"
#include "proto/data/conf.h"

#define NAME_MAX_BYTES 256 /* a pattern has at most 255 */
#define NONE UINT32_MAX

/* Literal texts -> the first rule of a chain through next[]. */
struct texts {
	struct map *first;
	bool has[NAME_MAX_BYTES]; /* is there a text of this length? */
};

struct rule_index {
	const struct rule *rules;
	uint32_t *next; /* the rule after this one in its chain, or NONE */
	struct texts names; /* full names, without "library/" */
	struct texts heads; /* of globs: before the first star */
	struct texts tails; /* after the last star */
	uint32_t rest;      /* the other globs */
};

struct found {
	uint32_t *v;
	size_t n, cap;
};

/* ---- making -------------------------------------------------------------- */

static uint32_t *position(void *value)
{
	return value;
}

/* In front of its chain. The map's value points to the first one's place in
 * next[], which tells its position without memory of its own. */
static void texts_add(struct rule_index *ix, struct texts *t, struct str text,
	uint32_t at)
{
	uint32_t *old = position(map_put(t->first, text, &ix->next[at]));

	ix->next[at] = old != NULL ? (uint32_t)(old - ix->next) : NONE;
	t->has[text.n] = true;
}

static void add(struct rule_index *ix, uint32_t at)
{
	const char *pattern = ix->rules[at].repository;
	size_t host = conf_host_len(pattern);
	struct str name = str_from(host ? pattern + host + 1 : pattern);
	struct str head = str_cut(name, 0, str_find(name, '*'));
	size_t last = name.n;
	struct str tail;

	while (last > 0 && name.p[last - 1] != '*')
		last--;
	tail = str_cut(name, last, name.n);
	if (head.n == name.n) {
		texts_add(ix, &ix->names,
			str_from(conf_short_name(name.p)), at);
	} else if (head.n == 0 && tail.n == 0) {
		ix->next[at] = ix->rest;
		ix->rest = at;
	} else if (head.n >= tail.n) {
		texts_add(ix, &ix->heads, head, at);
	} else {
		texts_add(ix, &ix->tails, tail, at);
	}
}

struct rule_index *rule_index_new(const struct rule *rules, size_t n)
{
	struct rule_index *ix = xcalloc(1, sizeof(*ix));

	if (n >= NONE)
		BUG("%zu rules", n);
	ix->rules = rules;
	ix->next = xcalloc(n, sizeof(*ix->next));
	ix->names.first = map_new();
	ix->heads.first = map_new();
	ix->tails.first = map_new();
	ix->rest = NONE;
	/* From the last one, so that each chain is in the rules' order. */
	for (size_t i = n; i > 0; i--)
		add(ix, (uint32_t)(i - 1));
	return ix;
}

void rule_index_free(struct rule_index *ix)
{
	if (ix == NULL)
		return;
	map_free(ix->names.first);
	map_free(ix->heads.first);
	map_free(ix->tails.first);
	free(ix->next);
	free(ix);
}

/* ---- asking -------------------------------------------------------------- */

static void follow(const struct rule_index *ix, uint32_t at,
	const struct event *e, struct found *out)
{
	for (; at != NONE; at = ix->next[at])
		if (conf_repository_match(ix->rules[at].repository,
			    e->registry, e->repository))
			VEC_PUSH(out, at);
}

static void probe(const struct rule_index *ix, const struct texts *t,
	struct str text, const struct event *e, struct found *out)
{
	const uint32_t *first;

	if (text.n >= NAME_MAX_BYTES || !t->has[text.n])
		return;
	first = position(map_get(t->first, text));
	if (first != NULL)
		follow(ix, (uint32_t)(first - ix->next), e, out);
}

static void probe_globs(const struct rule_index *ix, struct str name,
	const struct event *e, struct found *out)
{
	for (size_t n = 1; n <= name.n; n++) {
		probe(ix, &ix->heads, str_cut(name, 0, n), e, out);
		probe(ix, &ix->tails, str_cut(name, name.n - n, name.n), e,
			out);
	}
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

void rule_index_find(const struct rule_index *ix, const struct event *e,
	struct rule_list *out)
{
	struct found found = {0};
	const char *brief = conf_short_name(e->repository);
	char full[NAME_MAX_BYTES + 8];

	probe(ix, &ix->names, str_from(brief), e, &found);
	probe_globs(ix, str_from(e->repository), e, &found);
	if (brief != e->repository) {
		probe_globs(ix, str_from(brief), e, &found);
	} else if (strchr(brief, '/') == NULL) {
		snprintf(full, sizeof(full), "library/%s", brief);
		probe_globs(ix, str_from(full), e, &found);
	}
	follow(ix, ix->rest, e, &found);
	if (found.n > 1)
		qsort(found.v, found.n, sizeof(*found.v), ascending);
	/* A glob is found twice when both spellings of a name hold its text. */
	for (size_t i = 0; i < found.n; i++)
		if (i == 0 || found.v[i] != found.v[i - 1])
			VEC_PUSH(out, &ix->rules[found.v[i]]);
	VEC_RELEASE(&found);
}
