#include "proto/base/utf8.h"

static bool is_tail(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

/* What the lead byte says, and the range of the byte after it (RFC 3629
 * section 4: that range is what excludes overlongs and surrogates). */
static size_t lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef) {
		if (c == 0xe0)
			*low = 0xa0;
		if (c == 0xed)
			*high = 0x9f;
		return 3;
	}
	if (c >= 0xf0 && c <= 0xf4) {
		if (c == 0xf0)
			*low = 0x90;
		if (c == 0xf4)
			*high = 0x8f;
		return 4;
	}
	return 0;
}

size_t utf8_step(struct str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned char low, high;
	size_t n;

	if (s.n == 0)
		return 0;
	n = lead(p[0], &low, &high);
	if (n < 2)
		return n;
	if (s.n < n || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if (!is_tail(p[i]))
			return 0;
	}
	return n;
}

/* Bytes at the start that are ASCII, in steps of a word: most of what is
 * checked is nothing else. */
static size_t ascii_words(const char *p, size_t n)
{
	size_t at = 0;
	uint64_t word;

	for (; at + sizeof(word) <= n; at += sizeof(word)) {
		memcpy(&word, p + at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return at;
}

size_t utf8_prefix(struct str s, size_t max)
{
	size_t at = 0;

	while (at < s.n) {
		size_t n = ascii_words(s.p + at,
			(s.n < max ? s.n : max) - at);

		at += n;
		if (n && at == s.n)
			break;
		n = utf8_step(str_cut(s, at, s.n));
		if (n == 0 || at + n > max)
			break;
		at += n;
	}
	return at;
}
