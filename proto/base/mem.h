/*
 * Allocation that returns memory or does not return: small internal objects
 * only. A size that comes from outside is capped before it gets here.
 */
#ifndef PROTO_BASE_MEM_H
#define PROTO_BASE_MEM_H

#include "proto/base/base.h"

/* Each returns memory that the caller frees with free(), or exits(71). */
void *xmalloc(size_t size) MUST_CHECK;
void *xcalloc(size_t n, size_t size) MUST_CHECK;
/* Array of n elements of size; overflow of n * size exits. */
void *xreallocarray(void *p, size_t n, size_t size) MUST_CHECK;
/* Zeroed, on a boundary of cache lines; many MiB of it in large pages where
 * the system has them, for what is looked at here and there. */
void *xcalloc_large(size_t n, size_t size) MUST_CHECK;
char *xstrdup(const char *s) MUST_CHECK;
/* As xstrdup, NULL stays NULL. */
char *xstrdup_null(const char *s) MUST_CHECK;
/* The n bytes at s plus a NUL. */
char *xmemdup0(const void *s, size_t n) MUST_CHECK;
char *xprintf(const char *fmt, ...) PRINTF_LIKE(1, 2) MUST_CHECK;

/* What is free goes back to the system, from every thread's pools: for the
 * moment when much has ended at once. Takes time with what is free. */
void mem_give_back(void);

/* Frees *p's pointee and sets it NULL: free_null(&thing->name). */
#define free_null(pp) (free(*(pp)), *(pp) = NULL)

#endif
