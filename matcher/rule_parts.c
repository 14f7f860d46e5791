#include "matcher/rule_parts.h"

#include "proto/base/map.h"
#include "proto/base/vec.h"

#define CHUNK ((size_t)64 << 10)

/* A compiled thing under its own text. */
struct shared {
	const char *text;
	void *thing;
};

struct rule_parts {
	VEC(char *) chunks;
	char *at; /* free in the newest chunk */
	size_t left;
	struct map *regexes, *ranges; /* text -> struct shared */
	VEC(char *) lanes;
};

struct rule_parts *rule_parts_new(void)
{
	struct rule_parts *p = xcalloc(1, sizeof(*p));

	p->regexes = map_new();
	p->ranges = map_new();
	return p;
}

void rule_parts_free(struct rule_parts *p)
{
	struct str key;
	void *value;

	if (p == NULL)
		return;
	for (size_t it = 0; map_next(p->regexes, &it, &key, &value);)
		regex_free(((struct shared *)value)->thing);
	for (size_t it = 0; map_next(p->ranges, &it, &key, &value);)
		semver_range_free(((struct shared *)value)->thing);
	map_free(p->regexes);
	map_free(p->ranges);
	for (size_t i = 0; i < p->chunks.n; i++)
		free(p->chunks.v[i]);
	VEC_RELEASE(&p->chunks);
	VEC_RELEASE(&p->lanes);
	free(p);
}

/* Not aligned. A piece over a quarter of a chunk gets one of its own. */
static char *take(struct rule_parts *p, size_t size)
{
	char *piece;

	if (size > CHUNK / 4) {
		VEC_PUSH(&p->chunks, xcalloc(1, size));
		return p->chunks.v[p->chunks.n - 1];
	}
	if (size > p->left) {
		p->at = xcalloc(1, CHUNK);
		p->left = CHUNK;
		VEC_PUSH(&p->chunks, p->at);
	}
	piece = p->at;
	p->at += size;
	p->left -= size;
	return piece;
}

void *rule_parts_alloc(struct rule_parts *p, size_t size)
{
	size_t align = sizeof(void *);
	size_t skip = (align - (uintptr_t)p->at % align) % align;

	if (skip <= p->left) {
		p->at += skip;
		p->left -= skip;
	}
	return take(p, (size + align - 1) / align * align);
}

char *rule_parts_text(struct rule_parts *p, const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(take(p, n), text, n);
}

char *rule_parts_lane(struct rule_parts *p, const char *lane)
{
	for (size_t i = 0; i < p->lanes.n; i++)
		if (strcmp(p->lanes.v[i], lane) == 0)
			return p->lanes.v[i];
	VEC_PUSH(&p->lanes, rule_parts_text(p, lane));
	return p->lanes.v[p->lanes.n - 1];
}

char *const *rule_parts_lanes(const struct rule_parts *p, size_t *n)
{
	*n = p->lanes.n;
	return p->lanes.v;
}

static struct shared *keep(struct rule_parts *p, struct map *in,
	const char *text, void *thing)
{
	struct shared *s = rule_parts_alloc(p, sizeof(*s));

	s->text = rule_parts_text(p, text);
	s->thing = thing;
	map_put(in, str_from(text), s);
	return s;
}

struct regex *rule_parts_regex(struct rule_parts *p, const char *pattern,
	const char **text, struct err *err)
{
	struct shared *s = map_get(p->regexes, str_from(pattern));
	struct regex *r;

	if (s == NULL) {
		r = regex_new(pattern, err);
		if (r == NULL)
			return NULL;
		s = keep(p, p->regexes, pattern, r);
	}
	*text = s->text;
	return s->thing;
}

struct semver_range *rule_parts_range(struct rule_parts *p, const char *range,
	const char **text, struct err *err)
{
	struct shared *s = map_get(p->ranges, str_from(range));
	struct semver_range *r;

	if (s == NULL) {
		r = semver_range_new(range, err);
		if (r == NULL)
			return NULL;
		s = keep(p, p->ranges, range, r);
	}
	*text = s->text;
	return s->thing;
}
