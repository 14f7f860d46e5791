/*
 * Open addressing with linear probing; a removed entry is closed by moving
 * the following ones back, so there are no tombstones. The table is at most
 * three quarters full.
 */
#include "proto/base/map.h"

#include "proto/base/enc.h"
#include "proto/base/mem.h"

#define FIRST_SLOTS ((size_t)16) /* a power of two */

struct slot {
	char *key; /* NULL when free */
	size_t n;
	uint64_t hash;
	void *value;
};

struct map {
	struct slot *slots;
	size_t cap, len; /* cap is a power of two */
	uint64_t seed[2];
};

static uint64_t rotl(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotl(v[1], 13) ^ v[0];
	v[0] = rotl(v[0], 32);
	v[2] += v[3];
	v[3] = rotl(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotl(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotl(v[1], 17) ^ v[2];
	v[2] = rotl(v[2], 32);
}

uint64_t map_siphash(const uint64_t seed[2], struct str s)
{
	uint64_t v[4] = {
		seed[0] ^ 0x736f6d6570736575ULL,
		seed[1] ^ 0x646f72616e646f6dULL,
		seed[0] ^ 0x6c7967656e657261ULL,
		seed[1] ^ 0x7465646279746573ULL,
	};

	for (size_t at = 0;; at += 8) {
		size_t n = s.n - at < 8 ? s.n - at : 8;
		uint64_t word = 0;

		for (size_t i = 0; i < n; i++)
			word |= (uint64_t)(unsigned char)s.p[at + i] << 8 * i;
		if (n < 8)
			word |= (uint64_t)s.n << 56;
		v[3] ^= word;
		sip_round(v);
		v[0] ^= word;
		if (n < 8)
			break;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

uint64_t map_hash(const struct map *m, struct str key)
{
	return map_siphash(m->seed, key);
}

struct map *map_new(void)
{
	struct map *m = xcalloc(1, sizeof(*m));

	enc_random(m->seed, sizeof(m->seed));
	m->cap = FIRST_SLOTS;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	return m;
}

void map_free(struct map *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->cap; i++)
		free(m->slots[i].key);
	free(m->slots);
	free(m);
}

size_t map_len(const struct map *m)
{
	return m->len;
}

/* The slot that holds key, or the free one where it belongs. */
static struct slot *find(const struct map *m, struct str key, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	for (;; i = (i + 1) & (m->cap - 1)) {
		struct slot *s = &m->slots[i];

		if (s->key == NULL)
			return s;
		if (s->hash == hash && str_eq((struct str){s->key, s->n}, key))
			return s;
	}
}

static void grow(struct map *m)
{
	struct slot *old = m->slots;
	size_t cap = m->cap;

	m->cap = cap * 2;
	m->slots = xcalloc(m->cap, sizeof(*m->slots));
	for (size_t i = 0; i < cap; i++) {
		struct str key = {old[i].key, old[i].n};

		if (key.p != NULL)
			*find(m, key, old[i].hash) = old[i];
	}
	free(old);
}

void *map_put(struct map *m, struct str key, void *value)
{
	uint64_t hash = map_hash(m, key);
	struct slot *s = find(m, key, hash);
	void *old = s->value;

	if (value == NULL)
		BUG("map_put of NULL");
	if (s->key != NULL) {
		s->value = value;
		return old;
	}
	if (m->len + 1 > m->cap / 4 * 3) {
		grow(m);
		s = find(m, key, hash);
	}
	s->key = xmemdup0(key.p, key.n);
	s->n = key.n;
	s->hash = hash;
	s->value = value;
	m->len++;
	return NULL;
}

void *map_get(const struct map *m, struct str key)
{
	return find(m, key, map_hash(m, key))->value;
}

void *map_del(struct map *m, struct str key)
{
	struct slot *s = find(m, key, map_hash(m, key));
	size_t mask = m->cap - 1;
	size_t hole, i;
	void *value = s->value;

	if (s->key == NULL)
		return NULL;
	free(s->key);
	m->len--;
	/* An entry moves back unless its home lies behind the hole. */
	hole = i = (size_t)(s - m->slots);
	for (;;) {
		i = (i + 1) & mask;
		if (m->slots[i].key == NULL)
			break;
		if (((i - m->slots[i].hash) & mask) < ((i - hole) & mask))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole] = (struct slot){0};
	return value;
}

bool map_next(const struct map *m, size_t *it, struct str *key, void **value)
{
	while (*it < m->cap && m->slots[*it].key == NULL)
		(*it)++;
	if (*it == m->cap)
		return false;
	*key = (struct str){m->slots[*it].key, m->slots[*it].n};
	*value = m->slots[*it].value;
	(*it)++;
	return true;
}
