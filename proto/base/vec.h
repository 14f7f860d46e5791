/*
 * A typed growing array: VEC(struct rule) rules = {0};
 * All-zero is empty. Elements are copied; the vec owns only the array.
 */
#ifndef PROTO_BASE_VEC_H
#define PROTO_BASE_VEC_H

#include "proto/base/mem.h"

#define VEC(type) \
	struct { \
		type *v; \
		size_t n, cap; \
	}

#define VEC_PUSH(vec, item) \
	do { \
		if ((vec)->n == (vec)->cap) { \
			(vec)->cap = (vec)->cap ? (vec)->cap * 2 : 8; \
			(vec)->v = xreallocarray( \
				(vec)->v, (vec)->cap, sizeof(*(vec)->v)); \
		} \
		(vec)->v[(vec)->n++] = (item); \
	} while (0)

/* Removes element i by moving the last one there: order is not kept. */
#define VEC_REMOVE_SWAP(vec, i) ((vec)->v[(i)] = (vec)->v[--(vec)->n])

#define VEC_RELEASE(vec) \
	do { \
		free((vec)->v); \
		(vec)->v = NULL; \
		(vec)->n = (vec)->cap = 0; \
	} while (0)

#endif
