#include "proto/msg/cursor.h"

enum kind {
	KIND_INT,
	KIND_BOOL,
	KIND_STR,   /* size bytes follow */
	KIND_ARRAY, /* size values follow */
	KIND_MAP,   /* size pairs follow */
	KIND_OTHER, /* nil, float, binary, extension: size bytes follow */
};

/* One value without what it contains. */
struct head {
	enum kind kind;
	uint64_t value; /* KIND_INT: two's complement; KIND_BOOL */
	bool negative;
	size_t size;
};

struct cursor cursor_of(struct str bytes)
{
	const unsigned char *p = (const unsigned char *)bytes.p;

	return (struct cursor){p, p + bytes.n};
}

size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

/* A big-endian number of n bytes. */
static int take_number(struct cursor *c, size_t n, uint64_t *out)
{
	uint64_t v = 0;

	if (cursor_left(c) < n)
		return -1;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | *c->p++;
	*out = v;
	return 0;
}

static int take_size(struct cursor *c, struct head *h, enum kind kind,
	size_t width, size_t extra)
{
	uint64_t n;

	if (take_number(c, width, &n) != 0)
		return -1;
	h->kind = kind;
	h->size = (size_t)n + extra; /* at most 32 bits + 1 */
	return 0;
}

static int take_int(struct cursor *c, struct head *h, size_t width, bool sign)
{
	if (take_number(c, width, &h->value) != 0)
		return -1;
	h->kind = KIND_INT;
	if (sign && h->value >> (width * 8 - 1)) {
		h->negative = true;
		if (width < 8)
			h->value |= UINT64_MAX << (width * 8);
	}
	return 0;
}

static int other(struct head *h, size_t size)
{
	h->kind = KIND_OTHER;
	h->size = size;
	return 0;
}

/* The heads from 0xc0 to 0xdf. */
static int take_marked(struct cursor *c, struct head *h, unsigned char mark)
{
	switch (mark) {
	case 0xc0: /* nil */
		return other(h, 0);
	case 0xc2:
	case 0xc3:
		h->kind = KIND_BOOL;
		h->value = mark & 1;
		return 0;
	case 0xc4: /* bin 8, 16, 32 */
	case 0xc5:
	case 0xc6:
		return take_size(c, h, KIND_OTHER, (size_t)1 << (mark - 0xc4),
			0);
	case 0xc7: /* ext 8, 16, 32: a type byte follows the length */
	case 0xc8:
	case 0xc9:
		return take_size(c, h, KIND_OTHER, (size_t)1 << (mark - 0xc7),
			1);
	case 0xca: /* float 32, 64 */
		return other(h, 4);
	case 0xcb:
		return other(h, 8);
	case 0xcc: /* uint 8 to 64 */
	case 0xcd:
	case 0xce:
	case 0xcf:
		return take_int(c, h, (size_t)1 << (mark - 0xcc), false);
	case 0xd0: /* int 8 to 64 */
	case 0xd1:
	case 0xd2:
	case 0xd3:
		return take_int(c, h, (size_t)1 << (mark - 0xd0), true);
	case 0xd4: /* fixext 1 to 16 and their type byte */
	case 0xd5:
	case 0xd6:
	case 0xd7:
	case 0xd8:
		return other(h, ((size_t)1 << (mark - 0xd4)) + 1);
	case 0xd9: /* str 8, 16, 32 */
	case 0xda:
	case 0xdb:
		return take_size(c, h, KIND_STR, (size_t)1 << (mark - 0xd9),
			0);
	case 0xdc: /* array 16, 32 */
	case 0xdd:
		return take_size(c, h, KIND_ARRAY, (size_t)2 << (mark - 0xdc),
			0);
	case 0xde: /* map 16, 32 */
	case 0xdf:
		return take_size(c, h, KIND_MAP, (size_t)2 << (mark - 0xde),
			0);
	default: /* 0xc1 is never used */
		return -1;
	}
}

/* Invariant: what a head claims to follow fits in the bytes that remain, each
 * element needing one at least. */
static int take_head(struct cursor *c, struct head *h)
{
	unsigned char mark;
	size_t left;
	int failed = 0;

	*h = (struct head){0};
	if (cursor_left(c) == 0)
		return -1;
	mark = *c->p++;
	if (mark < 0x80 || mark >= 0xe0) {
		h->kind = KIND_INT;
		h->negative = mark >= 0xe0;
		h->value = h->negative ? UINT64_MAX << 8 | mark : mark;
	} else if (mark < 0x90) {
		h->kind = KIND_MAP;
		h->size = mark & 0x0f;
	} else if (mark < 0xa0) {
		h->kind = KIND_ARRAY;
		h->size = mark & 0x0f;
	} else if (mark < 0xc0) {
		h->kind = KIND_STR;
		h->size = mark & 0x1f;
	} else {
		failed = take_marked(c, h, mark);
	}
	left = cursor_left(c);
	if (failed || h->size > (h->kind == KIND_MAP ? left / 2 : left))
		return -1;
	return 0;
}

/* The head of a value that must be of this kind; unmoved on -1. */
static int expect(struct cursor *c, enum kind kind, struct head *h)
{
	struct cursor next = *c;

	if (take_head(&next, h) != 0 || h->kind != kind)
		return -1;
	*c = next;
	return 0;
}

int cursor_i64(struct cursor *c, int64_t *out)
{
	struct cursor before = *c;
	struct head h;

	if (expect(c, KIND_INT, &h) != 0)
		return -1;
	if (h.negative) {
		/* ~v is -v - 1 without a conversion that could overflow */
		*out = -(int64_t)~h.value - 1;
		return 0;
	}
	if (h.value > INT64_MAX) {
		*c = before;
		return -1;
	}
	*out = (int64_t)h.value;
	return 0;
}

int cursor_bool(struct cursor *c, bool *out)
{
	struct head h;

	if (expect(c, KIND_BOOL, &h) != 0)
		return -1;
	*out = h.value != 0;
	return 0;
}

int cursor_str(struct cursor *c, struct str *out)
{
	struct head h;

	if (expect(c, KIND_STR, &h) != 0)
		return -1;
	*out = (struct str){(const char *)c->p, h.size};
	c->p += h.size;
	return 0;
}

int cursor_array(struct cursor *c, size_t *n)
{
	struct head h;

	if (expect(c, KIND_ARRAY, &h) != 0)
		return -1;
	*n = h.size;
	return 0;
}

int cursor_map(struct cursor *c, size_t *n)
{
	struct head h;

	if (expect(c, KIND_MAP, &h) != 0)
		return -1;
	*n = h.size;
	return 0;
}

/* Recursion is as deep as depth allows, work as long as the bytes are. */
static int skip(struct cursor *c, unsigned depth)
{
	struct head h;
	size_t values;

	if (take_head(c, &h) != 0)
		return -1;
	switch (h.kind) {
	case KIND_STR:
	case KIND_OTHER:
		c->p += h.size;
		return 0;
	case KIND_ARRAY:
	case KIND_MAP:
		break;
	default:
		return 0;
	}
	if (depth == 0)
		return -1;
	values = h.kind == KIND_MAP ? h.size * 2 : h.size;
	for (size_t i = 0; i < values; i++) {
		if (skip(c, depth - 1) != 0)
			return -1;
	}
	return 0;
}

int cursor_skip(struct cursor *c, unsigned depth)
{
	struct cursor next = *c;

	if (skip(&next, depth) != 0)
		return -1;
	*c = next;
	return 0;
}
