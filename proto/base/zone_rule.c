#include "proto/base/zone_rule.h"

#define MINUTE 60
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* ---- reading --------------------------------------------------------------- */

static bool take(struct str *s, char c)
{
	if (s->n == 0 || *s->p != c)
		return false;
	*s = str_cut(*s, 1, s->n);
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* At least three letters, or anything in angle brackets. */
static bool skip_name(struct str *s)
{
	size_t n = 0;

	if (take(s, '<')) {
		n = str_find(*s, '>');
		if (n < 3 || n == s->n)
			return false;
		*s = str_cut(*s, n + 1, s->n);
		return true;
	}
	while (n < s->n && is_letter(s->p[n]))
		n++;
	*s = str_cut(*s, n, s->n);
	return n >= 3;
}

static bool number(struct str *s, int64_t max, int64_t *out)
{
	size_t n = 0;

	*out = 0;
	while (n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9')
		*out = *out * 10 + (s->p[n++] - '0');
	*s = str_cut(*s, n, s->n);
	return n > 0 && *out <= max;
}

/* [+-]HH[:MM[:SS]] */
static bool clock_time(struct str *s, int64_t *out)
{
	bool minus = take(s, '-');
	int64_t part;

	if (!minus)
		(void)take(s, '+');
	if (!number(s, 167, &part))
		return false;
	*out = part * HOUR;
	if (take(s, ':')) {
		if (!number(s, 59, &part))
			return false;
		*out += part * MINUTE;
		if (take(s, ':')) {
			if (!number(s, 59, &part))
				return false;
			*out += part;
		}
	}
	if (minus)
		*out = -*out;
	return true;
}

static bool change_day(struct str *s, struct zone_day *d)
{
	int64_t a, b, c;

	d->time = 2 * HOUR;
	if (take(s, 'M')) {
		if (!number(s, 12, &a) || a < 1 || !take(s, '.') ||
			!number(s, 5, &b) || b < 1 || !take(s, '.') ||
			!number(s, 6, &c))
			return false;
		d->kind = 'M';
		d->month = (int)a;
		d->week = (int)b;
		d->day = (int)c;
	} else {
		d->kind = take(s, 'J') ? 'J' : '0';
		if (!number(s, 365, &a) || (d->kind == 'J' && a < 1))
			return false;
		d->day = (int)a;
	}
	return !take(s, '/') || clock_time(s, &d->time);
}

int zone_rule_parse(struct str text, struct zone_rule *r)
{
	struct str s = text;

	*r = (struct zone_rule){0};
	/* What is written is west of UTC. */
	if (!skip_name(&s) || !clock_time(&s, &r->standard))
		return -1;
	r->standard = -r->standard;
	if (s.n == 0)
		return 0;
	r->has_summer = true;
	r->summer = r->standard + HOUR;
	if (!skip_name(&s))
		return -1;
	if (s.n > 0 && *s.p != ',') {
		if (!clock_time(&s, &r->summer))
			return -1;
		r->summer = -r->summer;
	}
	return take(&s, ',') && change_day(&s, &r->begin) && take(&s, ',') &&
			change_day(&s, &r->end) && s.n == 0
		? 0
		: -1;
}

/* ---- asking ---------------------------------------------------------------- */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to the year's first. */
static int64_t year_start(int64_t year)
{
	int64_t y = year - 1;

	return 365 * (year - 1970) + floor_div(y, 4) - floor_div(y, 100) +
		floor_div(y, 400) - 477;
}

static int64_t year_of(int64_t day)
{
	int64_t year = 1970 + floor_div(day, 366);

	while (year_start(year + 1) <= day)
		year++;
	return year;
}

/* The day on which d falls in the year, since 1970-01-01. */
static int64_t day_in(const struct zone_day *d, int64_t year)
{
	static const int before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
	bool leap = is_leap(year);
	int64_t start = year_start(year), first, day;
	int length;

	if (d->kind == '0')
		return start + d->day;
	if (d->kind == 'J')
		return start + d->day - 1 + (leap && d->day > 59);
	first = start + before[d->month - 1] + (leap && d->month > 2);
	length = before[d->month] - before[d->month - 1] +
		(leap && d->month == 2);
	/* 1970-01-01 was a Thursday, day 4 of a week that Sunday begins. */
	day = first + ((d->day - (first + 4)) % 7 + 7) % 7 +
		7 * (d->week - 1);
	return day < first + length ? day : day - 7;
}

int64_t zone_rule_offset(const struct zone_rule *r, int64_t utc)
{
	int64_t year, begin, end;

	if (!r->has_summer)
		return r->standard;
	year = year_of(floor_div(utc + r->standard, DAY));
	begin = day_in(&r->begin, year) * DAY + r->begin.time - r->standard;
	end = day_in(&r->end, year) * DAY + r->end.time - r->summer;
	if (begin < end)
		return utc >= begin && utc < end ? r->summer : r->standard;
	/* The south: the year begins in summer. */
	return utc >= end && utc < begin ? r->standard : r->summer;
}
