#include "matcher/rule_index.h"

#include "proto/base/enc.h"
#include "proto/base/map.h"
#include "proto/data/conf.h"

#define NAME_MAX_BYTES 256 /* a pattern has at most 255 */
#define NONE UINT32_MAX

/*
 * Literal texts -> the first rule of a chain through next[]. Of a name every
 * beginning is asked for, or every end, so two filters go first: the lengths
 * that there are, and a bit for a hash that grows byte by byte.
 */
struct texts {
	struct map *first;
	bool has[NAME_MAX_BYTES];
	uint64_t *filter;
	unsigned bits; /* log2 of the filter's size */
};

/* One full name: half of its hash, and the position of its first rule + 1;
 * 0 is free. With MORE that rule has a next one. */
struct slot {
	uint32_t hash, at;
};

#define MORE 0x80000000U

/* Open addressing, at most half full: a name is one slot and its rule, and
 * those are all that a look-up reads, whatever the size. */
struct names {
	struct slot *slots;
	uint32_t mask;
	uint64_t seed[2];
	bool has[NAME_MAX_BYTES];
};

struct rule_index {
	const struct rule *rules;
	uint32_t *next; /* the rule after this one in its chain, or NONE */
	struct names names; /* full names, without "library/" */
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

#define FILTER_START 0xcbf29ce484222325ULL

/* FNV-1a's. Who finds names that collide wins a look-up that finds nothing. */
static uint64_t filter_step(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 0x100000001b3ULL;
}

static size_t filter_bit(const struct texts *t, uint64_t hash)
{
	return (size_t)((hash * 0x9e3779b97f4a7c15ULL) >> (64 - t->bits));
}

static bool filter_has(const struct texts *t, uint64_t hash)
{
	size_t bit = filter_bit(t, hash);

	return (t->filter[bit / 64] >> bit % 64 & 1) != 0;
}

static void filter_add(struct texts *t, struct str text, bool backward)
{
	uint64_t hash = FILTER_START;
	size_t bit;

	for (size_t i = 0; i < text.n; i++)
		hash = filter_step(
			hash, text.p[backward ? text.n - 1 - i : i]);
	bit = filter_bit(t, hash);
	t->filter[bit / 64] |= 1ULL << bit % 64;
}

static void texts_init(struct texts *t, size_t globs)
{
	t->first = map_new();
	t->bits = 6;
	while ((size_t)1 << t->bits < 16 * globs)
		t->bits++;
	t->filter = xcalloc((size_t)1 << (t->bits - 6), sizeof(uint64_t));
}

static void texts_release(struct texts *t)
{
	map_free(t->first);
	free(t->filter);
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

/* The name that a rule without a glob is found by. */
static struct str full_name(const struct rule *r)
{
	size_t host = conf_host_len(r->repository);

	return str_from(conf_short_name(
		host ? r->repository + host + 1 : r->repository));
}

/* The name's slot, or the free one where it belongs. */
static struct slot *find_slot(const struct rule_index *ix, struct str name)
{
	uint64_t hash = map_siphash(ix->names.seed, name);
	uint32_t half = (uint32_t)(hash >> 32);
	uint32_t i = (uint32_t)hash & ix->names.mask;

	for (;; i = (i + 1) & ix->names.mask) {
		struct slot *s = &ix->names.slots[i];
		const struct rule *r;

		if (s->at == 0)
			break;
		if (s->hash != half)
			continue;
		r = &ix->rules[(s->at & ~MORE) - 1];
		__builtin_prefetch(r->near);
		if (str_eq(full_name(r), name))
			return s;
	}
	return &ix->names.slots[i];
}

/* In front of its chain. */
static void names_add(struct rule_index *ix, struct str name, uint32_t at)
{
	struct slot *s = find_slot(ix, name);

	s->hash = (uint32_t)(map_siphash(ix->names.seed, name) >> 32);
	ix->next[at] = s->at != 0 ? (s->at & ~MORE) - 1 : NONE;
	s->at = (at + 1) | (s->at != 0 ? MORE : 0);
	ix->names.has[name.n] = true;
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
		names_add(ix, str_from(conf_short_name(name.p)), at);
	} else if (head.n == 0 && tail.n == 0) {
		ix->next[at] = ix->rest;
		ix->rest = at;
	} else if (head.n >= tail.n) {
		filter_add(&ix->heads, head, false);
		texts_add(ix, &ix->heads, head, at);
	} else {
		filter_add(&ix->tails, tail, true);
		texts_add(ix, &ix->tails, tail, at);
	}
}

struct rule_index *rule_index_new(const struct rule *rules, size_t n)
{
	struct rule_index *ix = xcalloc(1, sizeof(*ix));

	size_t slots = 16, globs = 0;

	if (n >= MORE / 4)
		BUG("%zu rules", n);
	while (slots < 2 * n)
		slots *= 2;
	ix->rules = rules;
	ix->next = xcalloc(n, sizeof(*ix->next));
	ix->names.slots = xcalloc_large(slots, sizeof(struct slot));
	ix->names.mask = (uint32_t)slots - 1;
	enc_random(ix->names.seed, sizeof(ix->names.seed));
	for (size_t i = 0; i < n; i++)
		globs += strchr(rules[i].repository, '*') != NULL;
	texts_init(&ix->heads, globs);
	texts_init(&ix->tails, globs);
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
	free(ix->names.slots);
	texts_release(&ix->heads);
	texts_release(&ix->tails);
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
	const uint32_t *first = position(map_get(t->first, text));

	if (first != NULL)
		follow(ix, (uint32_t)(first - ix->next), e, out);
}

static void probe_names(const struct rule_index *ix, struct str name,
	const struct event *e, struct found *out)
{
	const struct slot *s;
	uint32_t at;

	if (name.n >= NAME_MAX_BYTES || !ix->names.has[name.n])
		return;
	s = find_slot(ix, name);
	at = (s->at & ~MORE) - 1;
	/* Most names have one rule: then next[] is not looked at. */
	if ((s->at & MORE) != 0)
		follow(ix, at, e, out);
	else if (s->at != 0 && conf_repository_match(ix->rules[at].repository,
				       e->registry, e->repository))
		VEC_PUSH(out, at);
}

static void probe_globs(const struct rule_index *ix, struct str name,
	const struct event *e, struct found *out)
{
	uint64_t head = FILTER_START, tail = FILTER_START;

	for (size_t n = 1; n <= name.n && n < NAME_MAX_BYTES; n++) {
		head = filter_step(head, name.p[n - 1]);
		tail = filter_step(tail, name.p[name.n - n]);
		if (ix->heads.has[n] && filter_has(&ix->heads, head))
			probe(ix, &ix->heads, str_cut(name, 0, n), e, out);
		if (ix->tails.has[n] && filter_has(&ix->tails, tail))
			probe(ix, &ix->tails,
				str_cut(name, name.n - n, name.n), e, out);
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

	probe_names(ix, str_from(brief), e, &found);
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
