#include "proto/base/zone.h"

#include "proto/base/mem.h"
#include "proto/base/zone_rule.h"

#include <errno.h>

#define HEADER 44
#define FILE_MAX ((size_t)1 << 20) /* the system's largest has 4 KiB */
#define DAY ((int64_t)24 * 3600)

struct change {
	int64_t at; /* UTC: from here on */
	int64_t offset;
};

struct zone {
	struct change *changes;
	size_t n;
	int64_t before; /* offset before the first change */
	struct zone_rule rule; /* after the last one */
	bool has_rule;
};

/* One block's counts, in the header's order. */
struct counts {
	size_t isut, isstd, leap, time, type, chars;
};

static uint64_t be(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

static int64_t be_signed(const unsigned char *p, size_t n)
{
	return n == 4 ? (int32_t)be(p, 4) : (int64_t)be(p, 8);
}

static bool header(struct str s, struct counts *c)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (s.n < HEADER || !str_starts(s, STR("TZif")))
		return false;
	c->isut = be(p + 20, 4);
	c->isstd = be(p + 24, 4);
	c->leap = be(p + 28, 4);
	c->time = be(p + 32, 4);
	c->type = be(p + 36, 4);
	c->chars = be(p + 40, 4);
	/* So that no sum below can be too large. */
	return c->isut <= 256 && c->isstd <= 256 && c->leap <= FILE_MAX &&
		c->time <= FILE_MAX && c->type >= 1 && c->type <= 256 &&
		c->chars <= FILE_MAX;
}

static size_t block_size(const struct counts *c, size_t width)
{
	return c->time * (width + 1) + c->type * 6 + c->chars +
		c->leap * (width + 4) + c->isstd + c->isut;
}

/* The types' offsets begin at types, six bytes each. */
static bool changes(struct zone *z, const struct counts *c,
	const unsigned char *p, size_t width)
{
	const unsigned char *which = p + c->time * width;
	const unsigned char *types = which + c->time;

	z->before = be_signed(types, 4);
	z->changes = xcalloc(c->time + 1, sizeof(*z->changes));
	for (; z->n < c->time; z->n++) {
		struct change *to = &z->changes[z->n];

		if (which[z->n] >= c->type)
			return false;
		to->at = be_signed(p + z->n * width, width);
		to->offset = be_signed(types + (size_t)which[z->n] * 6, 4);
		if (z->n > 0 && to->at <= z->changes[z->n - 1].at)
			return false;
	}
	return true;
}

/* "\nRULE\n"; an empty one says that nothing is known of later times. */
static bool footer(struct zone *z, struct str s)
{
	size_t end;

	if (s.n < 2 || *s.p != '\n')
		return false;
	s = str_cut(s, 1, s.n);
	end = str_find(s, '\n');
	if (end == s.n)
		return false;
	s = str_cut(s, 0, end);
	z->has_rule = s.n > 0;
	return s.n == 0 || zone_rule_parse(s, &z->rule) == 0;
}

static bool read_zone(struct zone *z, struct str s)
{
	struct counts c;
	size_t width = 4;

	if (!header(s, &c) || s.n - HEADER < block_size(&c, width))
		return false;
	/* Newer versions repeat all with 64 bits. */
	if (s.p[4] >= '2') {
		s = str_cut(s, HEADER + block_size(&c, width), s.n);
		width = 8;
		if (!header(s, &c) || s.n - HEADER < block_size(&c, width))
			return false;
	}
	return changes(z, &c, (const unsigned char *)s.p + HEADER, width) &&
		(width == 4 ||
			footer(z, str_cut(s, HEADER + block_size(&c, width),
					 s.n)));
}

struct zone *zone_parse(struct str bytes, struct err *err)
{
	struct zone *z = xcalloc(1, sizeof(*z));

	if (read_zone(z, bytes))
		return z;
	zone_free(z);
	err_fail(err, "is no time zone file (TZif)");
	return NULL;
}

void zone_free(struct zone *z)
{
	if (z == NULL)
		return;
	free(z->changes);
	free(z);
}

static bool name_ok(const char *name)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-/";
	size_t n = strlen(name);

	return n > 0 && n <= 64 && strspn(name, all) == n && *name != '/' &&
		name[n - 1] != '/';
}

struct zone *zone_load(const char *folder, const char *name, struct err *err)
{
	char *path = xprintf("%s/%s", folder, name), *bytes = NULL;
	FILE *f = name_ok(name) ? fopen(path, "re") : NULL;
	struct zone *z = NULL;
	size_t n = 0;

	if (f != NULL) {
		bytes = xcalloc(1, FILE_MAX);
		n = fread(bytes, 1, FILE_MAX, f);
		fclose(f);
		z = zone_parse((struct str){bytes, n}, err);
	}
	if (z == NULL)
		err_fail(err, "`%s` is no time zone of this system: %s has no "
			"such file; write one as Europe/Berlin, or UTC, and "
			"see that the system has the package tzdata", name,
			folder);
	free(bytes);
	free(path);
	return z;
}

int64_t zone_offset(const struct zone *z, int64_t utc)
{
	size_t low = 0, high = z->n;

	if (z->has_rule && (z->n == 0 || utc >= z->changes[z->n - 1].at))
		return zone_rule_offset(&z->rule, utc);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (z->changes[mid].at <= utc)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 ? z->changes[low - 1].offset : z->before;
}

int64_t zone_instant(const struct zone *z, int64_t local, bool late)
{
	/* Clocks are never a day off UTC, nor changed twice within two. */
	int64_t low = local - DAY, high = local + DAY;
	int64_t was = zone_offset(z, low), is = zone_offset(z, high);
	bool first = zone_offset(z, local - was) == was;
	bool second = zone_offset(z, local - is) == is;

	if (first && second)
		return late == (is < was) ? local - is : local - was;
	if (first || second)
		return first ? local - was : local - is;
	/* Skipped: when does the one offset end? */
	while (high - low > 1) {
		int64_t mid = low + (high - low) / 2;

		if (zone_offset(z, mid) == was)
			low = mid;
		else
			high = mid;
	}
	return high;
}
