#include "proto/base/semver.h"

#define NUMBER_MAX ((uint64_t)1 << 53)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z') || c == '-';
}

/* Takes a number without leading zeros off *s. 0 or -1. */
static int take_number(struct str *s, uint64_t *out)
{
	size_t n = 0;
	uint64_t v = 0;

	while (n < s->n && is_digit(s->p[n]) && v < NUMBER_MAX)
		v = v * 10 + (uint64_t)(s->p[n++] - '0');
	if (n == 0 || v >= NUMBER_MAX || (n > 1 && s->p[0] == '0'))
		return -1;
	*out = v;
	*s = str_cut(*s, n, s->n);
	return 0;
}

/* Is it identifiers between dots? In a pre-release the numeric ones have no
 * leading zero. */
static bool identifiers_ok(struct str s, bool pre)
{
	struct str part;
	bool number;

	if (s.n == 0 || s.p[s.n - 1] == '.')
		return false;
	while (str_split(&s, '.', &part)) {
		number = true;
		for (size_t i = 0; i < part.n; i++) {
			if (!is_word(part.p[i]))
				return false;
			number = number && is_digit(part.p[i]);
		}
		if (part.n == 0 ||
			(pre && number && part.n > 1 && part.p[0] == '0'))
			return false;
	}
	return true;
}

static int take_suffix(struct str s, struct str *pre)
{
	size_t plus = str_find(s, '+');

	*pre = (struct str){0};
	if (plus < s.n && !identifiers_ok(str_cut(s, plus + 1, s.n), false))
		return -1;
	s = str_cut(s, 0, plus);
	if (s.n == 0)
		return 0;
	if (s.p[0] != '-')
		return -1;
	*pre = str_cut(s, 1, s.n);
	return identifiers_ok(*pre, true) ? 0 : -1;
}

int semver_parse(struct str s, struct semver *v)
{
	*v = (struct semver){0};
	if (s.n != 0 && s.p[0] == 'v')
		s = str_cut(s, 1, s.n);
	for (size_t i = 0; i < 3; i++) {
		if (i != 0) {
			if (s.n == 0 || s.p[0] != '.')
				return -1;
			s = str_cut(s, 1, s.n);
		}
		if (take_number(&s, &v->part[i]) < 0)
			return -1;
	}
	return take_suffix(s, &v->pre);
}

static bool numeric(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_digit(s.p[i]))
			return false;
	return true;
}

static int by_bytes(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n != 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* Section 11.4: numbers below words; numbers by value, words by bytes. */
static int compare_identifier(struct str a, struct str b)
{
	bool na = numeric(a), nb = numeric(b);

	if (na != nb)
		return na ? -1 : 1;
	/* Without leading zeros the longer number is the larger one. */
	if (na && a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return by_bytes(a, b);
}

static int compare_pre(struct str a, struct str b)
{
	struct str pa, pb;
	int order;

	if (a.n == 0 || b.n == 0) /* a release comes after its pre-releases */
		return (b.n != 0) - (a.n != 0);
	for (;;) {
		bool more_a = str_split(&a, '.', &pa);
		bool more_b = str_split(&b, '.', &pb);

		if (!more_a || !more_b)
			return more_a - more_b;
		order = compare_identifier(pa, pb);
		if (order != 0)
			return order;
	}
}

int semver_compare(const struct semver *a, const struct semver *b)
{
	for (size_t i = 0; i < 3; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	return compare_pre(a->pre, b->pre);
}
