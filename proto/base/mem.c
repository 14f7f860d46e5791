#include "proto/base/mem.h"

#include <malloc.h>
#include <stdarg.h>
#include <sys/mman.h>

#define EXIT_NO_MEMORY 71 /* EX_OSERR in sysexits.h */
#define CACHE_LINE ((size_t)64)
#define LARGE_PAGE ((size_t)2 << 20)

static void *check(void *p, size_t size)
{
	if (p != NULL)
		return p;
	fprintf(stderr, "out of memory: cannot allocate %zu bytes\n", size);
	exit(EXIT_NO_MEMORY);
}

void *xmalloc(size_t size)
{
	/* malloc(0) may give NULL, which would look like a failure. */
	return check(malloc(size ? size : 1), size);
}

void *xcalloc(size_t n, size_t size)
{
	if (n == 0 || size == 0)
		n = size = 1;
	return check(calloc(n, size), n > SIZE_MAX / size ? SIZE_MAX : n * size);
}

void *xreallocarray(void *p, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total))
		return check(NULL, SIZE_MAX);
	return check(realloc(p, total ? total : 1), total);
}

void *xcalloc_large(size_t n, size_t size)
{
	size_t align, total;
	void *p;

	if (__builtin_mul_overflow(n, size, &total) ||
		total > SIZE_MAX - LARGE_PAGE)
		return check(NULL, SIZE_MAX);
	align = total >= 2 * LARGE_PAGE ? LARGE_PAGE : CACHE_LINE;
	total = (total + align) / align * align; /* never none */
	p = check(aligned_alloc(align, total), total);
	if (align == LARGE_PAGE)
		(void)madvise(p, total, MADV_HUGEPAGE);
	return memset(p, 0, total);
}

char *xstrdup(const char *s)
{
	return xmemdup0(s, strlen(s));
}

char *xstrdup_null(const char *s)
{
	return s != NULL ? xstrdup(s) : NULL;
}

char *xmemdup0(const void *s, size_t n)
{
	char *copy;

	if (n == SIZE_MAX)
		check(NULL, n);
	copy = xmalloc(n + 1);
	if (n != 0)
		memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *xprintf(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return check(n < 0 ? NULL : text, 0);
}

void mem_give_back(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
