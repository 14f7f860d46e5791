/*
 * String-keyed hash map with a random seed, so that keys from outside cannot
 * choose their bucket. Keys are copied, values are the caller's.
 */
#ifndef PROTO_BASE_MAP_H
#define PROTO_BASE_MAP_H

#include "proto/base/str.h"

struct map; /* opaque */

struct map *map_new(void) MUST_CHECK;
void map_free(struct map *m); /* NULL is fine; values are not freed */
size_t map_len(const struct map *m);
/* Sets key to value (not NULL) and returns the value it replaced, or NULL. */
void *map_put(struct map *m, struct str key, void *value);
void *map_get(const struct map *m, struct str key);
/* Removes key and returns its value, or NULL. */
void *map_del(struct map *m, struct str key);
/* Walk: start with *it = 0; false at the end. No put or del while walking. */
bool map_next(const struct map *m, size_t *it, struct str *key, void **value);
/* The map's hash of key: differs from map to map. */
uint64_t map_hash(const struct map *m, struct str key);
/* SipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast short-input PRF"). */
uint64_t map_siphash(const uint64_t seed[2], struct str s);

#endif
