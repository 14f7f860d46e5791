/*
 * Memory runs out, as a library to preload: while the file $NOMEMORY exists,
 * no allocation succeeds. Looked at once in sixteen allocations. Never used
 * outside tests. In a build with the address sanitizer the allocator behind it
 * is the sanitizer's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
#pragma weak __interceptor_malloc
#pragma weak __interceptor_calloc
#pragma weak __interceptor_realloc
extern void *__interceptor_malloc(size_t n);
extern void *__interceptor_calloc(size_t n, size_t size);
extern void *__interceptor_realloc(void *p, size_t n);

static bool none(void)
{
	static const char *path;
	static unsigned calls;
	static bool out;

	if (++calls % 16 == 0) {
		if (!path)
			path = getenv("NOMEMORY");
		out = path && access(path, F_OK) == 0;
	}
	if (out)
		errno = ENOMEM;
	return out;
}

void *malloc(size_t n)
{
	if (none())
		return NULL;
	return __interceptor_malloc ? __interceptor_malloc(n) :
				      __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	if (none())
		return NULL;
	return __interceptor_calloc ? __interceptor_calloc(n, size) :
				      __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	if (none())
		return NULL;
	return __interceptor_realloc ? __interceptor_realloc(p, n) :
				       __libc_realloc(p, n);
}
