#include "proto/data/json_number.h"

#define PLAIN_DIGITS 15 /* 10^15 < 2^53 */

static size_t digits(struct str s, size_t i)
{
	size_t start = i;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	return i - start;
}

static bool at(struct str s, size_t i, char c)
{
	return i < s.n && s.p[i] == c;
}

size_t json_number_span(struct str s)
{
	size_t i = at(s, 0, '-'), n = digits(s, i);

	if (n == 0)
		return 0;
	i += at(s, i, '0') ? 1 : n; /* what follows a leading 0 is not ours */
	if (at(s, i, '.')) {
		n = digits(s, i + 1);
		if (n == 0)
			return 0;
		i += 1 + n;
	}
	if (at(s, i, 'e') || at(s, i, 'E')) {
		i++;
		if (at(s, i, '+') || at(s, i, '-'))
			i++;
		n = digits(s, i);
		if (n == 0)
			return 0;
		i += n;
	}
	return i;
}

bool json_number_plain(struct str number)
{
	size_t sign = at(number, 0, '-'), n = digits(number, sign);

	if (n == 0 || n > PLAIN_DIGITS || sign + n != number.n)
		return false;
	return !(sign && at(number, 1, '0')); /* -0 keeps its sign */
}

/*
 * ±0.DIGITS × 10^exp, without zeros at either end of the digits: equal values
 * have equal parts. Digits are those of text from the first on, a point
 * between them skipped.
 */
struct decimal {
	bool negative;
	const char *p; /* the first digit that is not 0 */
	size_t n;      /* digits from there to the last that is not 0 */
	int64_t exp;   /* saturates far beyond what a text can shift */
};

#define EXP_MAX (INT64_C(1) << 59) /* ten times it still fits */

static int64_t exponent(struct str s)
{
	bool negative = at(s, 0, '-');
	int64_t exp = 0;

	for (size_t i = negative || at(s, 0, '+'); i < s.n; i++) {
		exp = exp * 10 + (s.p[i] - '0');
		if (exp > EXP_MAX)
			exp = EXP_MAX;
	}
	return negative ? -exp : exp;
}

static struct decimal decimal_of(struct str s)
{
	struct decimal d = {.negative = at(s, 0, '-')};
	size_t i, before = 0, seen = 0, end;
	bool point = false;

	for (i = d.negative; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
		if (s.p[i] == '.') {
			point = true;
			continue;
		}
		if (d.p == NULL && s.p[i] == '0') {
			before -= point; /* 0.00x: the exponent goes down */
			continue;
		}
		if (d.p == NULL)
			d.p = s.p + i;
		before += !point;
		seen++;
		if (s.p[i] != '0')
			d.n = seen;
	}
	end = i;
	if (d.n == 0)
		return (struct decimal){0}; /* zero has no sign and no scale */
	d.exp = (int64_t)before;
	if (end < s.n)
		d.exp += exponent(str_cut(s, end + 1, s.n));
	return d;
}

/* The next digit, over a point. */
static char next_digit(const char **p)
{
	if (**p == '.')
		(*p)++;
	return *(*p)++;
}

bool json_number_equal(struct str a, struct str b)
{
	struct decimal x = decimal_of(a), y = decimal_of(b);

	if (x.negative != y.negative || x.n != y.n || x.exp != y.exp)
		return false;
	for (size_t i = 0; i < x.n; i++) {
		if (next_digit(&x.p) != next_digit(&y.p))
			return false;
	}
	return true;
}

int json_number_i64(struct str number, int64_t *out)
{
	struct decimal d = decimal_of(number);
	char text[24];
	size_t n = 0;

	if (d.n == 0) {
		*out = 0;
		return 0;
	}
	/* 0.DIGITS × 10^exp is an integer when exp covers the digits. */
	if (d.exp < (int64_t)d.n || d.exp > 19)
		return -1;
	if (d.negative)
		text[n++] = '-';
	for (int64_t i = 0; i < d.exp; i++)
		text[n++] = i < (int64_t)d.n ? next_digit(&d.p) : '0';
	return str_to_i64((struct str){text, n}, out);
}
