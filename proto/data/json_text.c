#include "proto/data/json_text.h"

#include "proto/base/mem.h"
#include "proto/base/utf8.h"
#include "proto/data/json.h"

static const char short_names[] = "\"\\/bfnrt";
static const char short_bytes[] = "\"\\/\b\f\n\r\t";

/* The first four bytes as hex digits, or -1. */
static int hex4(struct str s)
{
	int v = 0;

	if (s.n < 4)
		return -1;
	for (size_t i = 0; i < 4; i++) {
		char c = s.p[i];

		v <<= 4;
		if (c >= '0' && c <= '9')
			v |= c - '0';
		else if (c >= 'a' && c <= 'f')
			v |= c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			v |= c - 'A' + 10;
		else
			return -1;
	}
	return v;
}

/* Bytes of the \u escape at s, two for a pair; 0 when it is none. */
static size_t unicode(struct str s, unsigned *code)
{
	int high, low;

	if (s.n < 6 || (high = hex4(str_cut(s, 2, 6))) < 0)
		return 0;
	*code = (unsigned)high;
	if (high < 0xD800 || high > 0xDFFF)
		return 6;
	if (high > 0xDBFF || s.n < 12 || s.p[6] != '\\' || s.p[7] != 'u')
		return 0;
	low = hex4(str_cut(s, 8, 12));
	if (low < 0xDC00 || low > 0xDFFF)
		return 0;
	*code = 0x10000u + (((unsigned)high & 0x3FF) << 10) +
		((unsigned)low & 0x3FF);
	return 12;
}

size_t json_escape_step(struct str s, const char **why)
{
	unsigned code = 0;
	size_t n;

	if (s.n < 2) {
		*why = "the text ends inside a string";
		return 0;
	}
	if (s.p[1] != 'u') {
		*why = "an unknown escape";
		return memchr(short_names, s.p[1], sizeof(short_names) - 1) ? 2
									    : 0;
	}
	n = unicode(s, &code);
	*why = "\\u without four hex digits, or half of a surrogate pair";
	if (n > 0 && code == 0) {
		*why = "an escaped NUL";
		return 0;
	}
	return n;
}

static size_t put_utf8(char *out, unsigned code)
{
	size_t n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0};

	for (size_t i = n - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (code & 0x3F));
		code >>= 6;
	}
	out[0] = (char)(lead[n] | code);
	return n;
}

char *json_unescape(struct str s, size_t *n)
{
	char *out = xmalloc(s.n + 1); /* an escape never gets longer */
	unsigned code = 0;

	*n = 0;
	for (size_t i = 0; i < s.n;) {
		if (s.p[i] != '\\') {
			out[(*n)++] = s.p[i++];
		} else if (s.p[i + 1] == 'u') {
			i += unicode(str_cut(s, i, s.n), &code);
			*n += put_utf8(out + *n, code);
		} else {
			out[(*n)++] = short_bytes[strchr(short_names,
							  s.p[i + 1]) -
				short_names];
			i += 2;
		}
	}
	out[*n] = '\0';
	return out;
}

/* One character of n bytes, or n = 0 for a byte that starts none. */
static void write_char(const char *p, size_t n, struct strbuf *out)
{
	unsigned char c = (unsigned char)*p;
	const char *in_short = c == '/' || c == '\0' ? NULL
						     : strchr(short_bytes, c);

	if (n == 0)
		strbuf_add_cstr(out, "\xEF\xBF\xBD"); /* U+FFFD */
	else if (in_short != NULL)
		strbuf_add(out, (char[]){'\\',
			short_names[in_short - short_bytes]}, 2);
	else
		strbuf_addf(out, "\\u%04x", c);
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

void json_write_str(struct str s, struct strbuf *out)
{
	size_t i = 0, from = 0, n;

	strbuf_add_char(out, '"');
	while (i < s.n) {
		n = plain((unsigned char)s.p[i])
			? 1
			: utf8_step(str_cut(s, i, s.n));
		if (n > 1 || (n == 1 && plain((unsigned char)s.p[i]))) {
			i += n;
			continue;
		}
		strbuf_add(out, s.p + from, i - from);
		write_char(s.p + i, n, out);
		from = ++i;
	}
	if (i > from)
		strbuf_add(out, s.p + from, i - from);
	strbuf_add_char(out, '"');
}
