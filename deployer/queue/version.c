#include "deployer/queue/version.h"

#include "proto/base/semver.h"

static bool digits(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

static struct str without_zeros(struct str s)
{
	while (s.n > 1 && *s.p == '0')
		s = str_cut(s, 1, s.n);
	return s;
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static int bytes(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? sign(order) : (a.n > b.n) - (a.n < b.n);
}

/* A group that took nothing is before all; a word is after a number. */
static int part(struct str a, struct str b)
{
	if (!digits(a) || !digits(b)) {
		if (a.n == 0 || b.n == 0 || digits(a) == digits(b))
			return bytes(a, b);
		return digits(a) ? -1 : 1;
	}
	a = without_zeros(a);
	b = without_zeros(b);
	return a.n != b.n ? (a.n > b.n) - (a.n < b.n) : bytes(a, b);
}

static int groups(struct str a, struct str b)
{
	struct str x = {0}, y = {0};

	for (;;) {
		bool more = str_split(&a, '/', &x), other = str_split(&b, '/', &y);
		int order;

		if (!more || !other)
			return more - other;
		order = part(x, y);
		if (order != 0)
			return order;
	}
}

static bool take(struct str *s, const char *kind)
{
	size_t n = strlen(kind);

	if (!str_starts(*s, (struct str){kind, n}))
		return false;
	*s = str_cut(*s, n, s->n);
	return true;
}

int version_compare(const char *a, const char *b, int *order)
{
	struct str x = str_from(a), y = str_from(b);
	struct semver v, w;

	if (take(&x, "groups ") && take(&y, "groups ")) {
		*order = groups(x, y);
		return 0;
	}
	x = str_from(a);
	y = str_from(b);
	if (!take(&x, "semver ") || !take(&y, "semver ") ||
		semver_parse(x, &v) < 0 || semver_parse(y, &w) < 0)
		return -1;
	*order = sign(semver_compare(&v, &w));
	return 0;
}
