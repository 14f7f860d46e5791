#include "proto/base/strbuf.h"

#include <stdarg.h>

#include "proto/base/mem.h"

#define FIRST_CAP ((size_t)64)

static size_t limit_of(const struct strbuf *sb)
{
	return sb->limit != 0 ? sb->limit : STRBUF_LIMIT_DEFAULT;
}

/* Makes room for n more bytes and the NUL; false past the limit. */
static bool reserve(struct strbuf *sb, size_t n)
{
	size_t limit = limit_of(sb);
	size_t cap = sb->cap;

	if (sb->failed || n > limit - sb->len) {
		sb->failed = true;
		return false;
	}
	if (sb->len + n < cap)
		return true;
	if (cap < FIRST_CAP)
		cap = FIRST_CAP;
	while (cap <= sb->len + n)
		cap *= 2;
	sb->buf = xreallocarray(sb->buf, cap, 1);
	sb->cap = cap;
	sb->buf[sb->len] = '\0';
	return true;
}

void strbuf_add(struct strbuf *sb, const void *p, size_t n)
{
	if (!reserve(sb, n))
		return;
	if (n != 0)
		memcpy(sb->buf + sb->len, p, n);
	sb->len += n;
	sb->buf[sb->len] = '\0';
}

void strbuf_add_cstr(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_add_str(struct strbuf *sb, struct str s)
{
	strbuf_add(sb, s.p, s.n);
}

void strbuf_add_char(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_addf(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		BUG("vsnprintf refuses the format \"%s\"", fmt);
	if (!reserve(sb, (size_t)n))
		return;
	va_start(ap, fmt);
	vsnprintf(sb->buf + sb->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	sb->len += (size_t)n;
}

void strbuf_truncate(struct strbuf *sb, size_t len)
{
	if (len == 0)
		sb->failed = false;
	if (len >= sb->len)
		return;
	sb->len = len;
	sb->buf[len] = '\0';
}

struct str strbuf_str(const struct strbuf *sb)
{
	return (struct str){strbuf_cstr(sb), sb->len};
}

const char *strbuf_cstr(const struct strbuf *sb)
{
	return sb->buf != NULL ? sb->buf : "";
}

char *strbuf_detach(struct strbuf *sb)
{
	char *text = sb->buf != NULL ? sb->buf : xstrdup("");

	*sb = (struct strbuf){.limit = sb->limit};
	return text;
}

void strbuf_release(struct strbuf *sb)
{
	free(sb->buf);
	*sb = (struct strbuf){.limit = sb->limit};
}
