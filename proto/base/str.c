#include "proto/base/str.h"

struct str str_from(const char *s)
{
	if (s == NULL)
		return STR("");
	return (struct str){s, strlen(s)};
}

bool str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *s)
{
	return str_eq(a, str_from(s));
}

bool str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_cut(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
		str_eq(str_cut(s, s.n - suffix.n, s.n), suffix);
}

size_t str_find(struct str s, char c)
{
	const char *at = s.n != 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

struct str str_cut(struct str s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	/* No arithmetic on the NULL of an all-zero slice. */
	return (struct str){from != 0 ? s.p + from : s.p, to - from};
}

struct str str_trim(struct str s)
{
	while (s.n != 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_cut(s, 1, s.n);
	while (s.n != 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool str_split(struct str *rest, char sep, struct str *part)
{
	size_t at;

	if (rest->p == NULL)
		return false;
	at = str_find(*rest, sep);
	*part = str_cut(*rest, 0, at);
	if (at == rest->n)
		*rest = (struct str){NULL, 0};
	else
		*rest = str_cut(*rest, at + 1, rest->n);
	return true;
}

int str_to_u64(struct str s, uint64_t *out)
{
	uint64_t value = 0;

	if (s.n == 0)
		return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
			__builtin_add_overflow(
				value, (uint64_t)(s.p[i] - '0'), &value))
			return -1;
	}
	*out = value;
	return 0;
}

int str_to_i64(struct str s, int64_t *out)
{
	bool minus = s.n != 0 && s.p[0] == '-';
	uint64_t value;

	if (str_to_u64(str_cut(s, minus, s.n), &value) < 0)
		return -1;
	if (value > (uint64_t)INT64_MAX + minus)
		return -1;
	/* INT64_MIN has no positive twin to negate. */
	if (value > INT64_MAX)
		*out = INT64_MIN;
	else
		*out = minus ? -(int64_t)value : (int64_t)value;
	return 0;
}

struct unit {
	const char *name;
	int64_t factor;
};

/* A number followed by exactly one of the units. */
static int with_unit(
	struct str s, const struct unit *units, size_t n, int64_t *out)
{
	size_t digits = 0;
	int64_t value;

	while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
		digits++;
	if (str_to_i64(str_cut(s, 0, digits), &value) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!str_is(str_cut(s, digits, s.n), units[i].name))
			continue;
		return __builtin_mul_overflow(value, units[i].factor, out) ? -1
									    : 0;
	}
	return -1;
}

int str_to_duration(struct str s, int64_t *ms)
{
	static const struct unit units[] = {
		{"ms", 1},
		{"s", 1000},
		{"m", 60 * 1000},
		{"h", 60 * 60 * 1000},
		{"d", 24 * 60 * 60 * 1000},
	};

	if (str_is(s, "0")) {
		*ms = 0;
		return 0;
	}
	return with_unit(s, units, ARRAY_LEN(units), ms);
}

int str_to_size(struct str s, int64_t *bytes)
{
	static const struct unit units[] = {
		{"", 1},
		{"B", 1},
		{"KiB", 1 << 10},
		{"MiB", 1 << 20},
		{"GiB", 1 << 30},
		{"KB", 1000},
		{"MB", 1000 * 1000},
		{"GB", 1000 * 1000 * 1000},
	};

	return with_unit(s, units, ARRAY_LEN(units), bytes);
}

char *str_safe(struct str s, char *buf, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		char text[4] = {(char)c};
		size_t len = 1;

		if (c < 32 || c > 126) {
			text[0] = '\\';
			text[1] = 'x';
			text[2] = hex[c >> 4];
			text[3] = hex[c & 15];
			len = 4;
		} else if (c == '\\') {
			text[1] = '\\';
			len = 2;
		}
		/* An escape is never cut in two. */
		if (n == 0 || len > n - 1 - at)
			break;
		memcpy(buf + at, text, len);
		at += len;
	}
	if (n != 0)
		buf[at] = '\0';
	return buf;
}
