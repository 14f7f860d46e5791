#include "proto/base/window.h"

#include "proto/base/mem.h"
#include "proto/base/zone.h"

#define DAY ((int64_t)24 * 3600)
/* A window may fall into skipped hours, so one week may have none. */
#define LOOK_AHEAD 15 /* days */

struct window {
	struct zone *zone;
	bool days[7]; /* from Monday */
	int64_t begin, end; /* seconds since midnight; end > begin */
};

static bool parse_day(struct str s, size_t *day)
{
	static const char *const names[] = {
		"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

	for (*day = 0; *day < ARRAY_LEN(names); ++*day)
		if (str_is(s, names[*day]))
			return true;
	return false;
}

/* "Sat-Mon" goes over the week's end. */
static bool parse_days(struct str s, struct window *w)
{
	struct str first;
	size_t from, to;

	str_split(&s, '-', &first);
	if (!parse_day(first, &from))
		return false;
	to = from;
	if (s.p != NULL && !parse_day(s, &to))
		return false;
	for (;; from = (from + 1) % 7) {
		w->days[from] = true;
		if (from == to)
			return true;
	}
}

static bool parse_time(struct str s, int64_t *out)
{
	int64_t h, m;

	if (s.n != 5 || s.p[2] != ':' || str_to_i64(str_cut(s, 0, 2), &h) < 0 ||
		str_to_i64(str_cut(s, 3, 5), &m) < 0 || h < 0 || m < 0 ||
		m > 59 || h > 24 || (h == 24 && m > 0))
		return false;
	*out = h * 3600 + m * 60;
	return true;
}

static bool parse_hours(struct str s, struct window *w)
{
	if (s.n != 11 || s.p[5] != '-' ||
		!parse_time(str_cut(s, 0, 5), &w->begin) ||
		!parse_time(str_cut(s, 6, 11), &w->end) || w->begin >= DAY ||
		w->begin == w->end)
		return false;
	if (w->end < w->begin)
		w->end += DAY;
	return true;
}

static bool parse(const char *text, struct window *w, char *zone, size_t n)
{
	struct str rest = str_trim(str_from(text)), part[3] = {{0}};
	size_t parts = 0;

	while (parts < 3 && str_split(&rest, ' ', &part[parts])) {
		if (part[parts].n > 0)
			parts++;
	}
	if (parts < 2 || str_trim(rest).n > 0)
		return false;
	if (parts == 2)
		memset(w->days, true, sizeof(w->days));
	else if (!parse_days(part[0], w))
		return false;
	snprintf(zone, n, "%.*s", (int)part[parts - 1].n, part[parts - 1].p);
	return parse_hours(part[parts - 2], w);
}

struct window *window_new(const char *text, const char *folder,
	struct err *err)
{
	struct window *w = xcalloc(1, sizeof(*w));
	char zone[128];

	if (!parse(text, w, zone, sizeof(zone)))
		err_fail(err, "`%s` is no window: write it as `Mon-Fri "
			"22:00-06:00 Europe/Berlin`, the days may be left out, "
			"the time zone not (`UTC` is one); a whole day is "
			"00:00-24:00", text);
	else
		w->zone = zone_load(folder, zone, err);
	if (w->zone != NULL)
		return w;
	window_free(w);
	return NULL;
}

void window_free(struct window *w)
{
	if (w == NULL)
		return;
	zone_free(w->zone);
	free(w);
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

int64_t window_next(const struct window *w, int64_t now)
{
	int64_t utc = floor_div(now, 1000);
	int64_t today = floor_div(utc + zone_offset(w->zone, utc), DAY);

	/* Yesterday's may still be open. */
	for (int64_t day = today - 1; day <= today + LOOK_AHEAD; day++) {
		int64_t begin, end;

		/* 1970-01-01 was a Thursday. */
		if (!w->days[((day + 3) % 7 + 7) % 7])
			continue;
		begin = zone_instant(w->zone, day * DAY + w->begin, false);
		end = zone_instant(w->zone, day * DAY + w->end, true);
		if (end * 1000 <= now || end <= begin)
			continue;
		return begin * 1000 <= now ? now : begin * 1000;
	}
	return now + LOOK_AHEAD * DAY * 1000;
}
