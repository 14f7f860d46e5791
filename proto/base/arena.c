#include "proto/base/arena.h"

#include <stdarg.h>
#include <stdalign.h>

#include "proto/base/mem.h"

#define BLOCK_SIZE ((size_t)4096)

struct arena_block {
	struct arena_block *next;
	size_t used, size; /* of data */
	alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a, size_t cap)
{
	*a = (struct arena){.cap = cap};
}

static struct arena_block *add_block(struct arena *a, size_t at_least)
{
	size_t size = at_least > BLOCK_SIZE ? at_least : BLOCK_SIZE;
	struct arena_block *b = xcalloc(1, sizeof(*b) + size);

	b->size = size;
	b->next = a->head;
	a->head = b;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	const size_t align = alignof(max_align_t);
	struct arena_block *b = a->head;
	size_t rounded = (size + align - 1) & ~(align - 1);
	void *p;

	if (size == 0)
		rounded = align;
	/* rounded < size when the rounding overflowed. */
	if (a->failed || rounded < size || rounded > a->cap - a->used) {
		a->failed = true;
		return NULL;
	}
	if (b == NULL || rounded > b->size - b->used)
		b = add_block(a, rounded);
	p = b->data + b->used;
	b->used += rounded;
	a->used += rounded;
	return p;
}

char *arena_strdup(struct arena *a, struct str s)
{
	char *copy = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (copy != NULL && s.n != 0)
		memcpy(copy, s.p, s.n);
	return copy;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("vsnprintf refuses the format \"%s\"", fmt);
	text = arena_alloc(a, (size_t)n + 1);
	if (text == NULL)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

bool arena_failed(const struct arena *a)
{
	return a->failed;
}

void arena_free(struct arena *a)
{
	struct arena_block *next;

	for (struct arena_block *b = a->head; b != NULL; b = next) {
		next = b->next;
		free(b);
	}
	arena_init(a, a->cap);
}
