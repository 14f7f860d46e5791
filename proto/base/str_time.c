/* RFC 3339 times to UTC ms and back; the calendar is proleptic Gregorian. */
#include "proto/base/str.h"

#define DAY_MS (24 * 60 * 60 * (int64_t)1000)

/*
 * Days since 1970-01-01. Years start in March here, so that the leap day is
 * the last of its year; 719468 is the day number of 1970-01-01 from 0000-03-01.
 */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t m = month <= 2 ? month + 9 : month - 3;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * m + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
		of_year - 719468;
}

static void date_from_days(
	int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
	int64_t d = days + 719468;
	int64_t era = (d >= 0 ? d : d - 146096) / 146097;
	int64_t of_era = d - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 -
			    of_era / 146096) /
		365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
	int64_t m = (5 * of_year + 2) / 153;

	*day = of_year - (153 * m + 2) / 5 + 1;
	*month = m < 10 ? m + 3 : m - 9;
	*year = y + era * 400 + (*month <= 2);
}

static int64_t month_days(int64_t year, int64_t month)
{
	static const char days[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Takes n digits with a value in min..max off *s. 0 or -1. */
static int digits(struct str *s, size_t n, int64_t min, int64_t max,
	int64_t *out)
{
	if (s->n < n || str_to_i64(str_cut(*s, 0, n), out) < 0 || *out < min ||
		*out > max || s->p[0] == '-')
		return -1;
	*s = str_cut(*s, n, s->n);
	return 0;
}

/* Takes one of the characters of set off *s. 0 or -1. */
static int one_of(struct str *s, const char *set, char *out)
{
	if (s->n == 0 || s->p[0] == '\0' || strchr(set, s->p[0]) == NULL)
		return -1;
	*out = s->p[0];
	*s = str_cut(*s, 1, s->n);
	return 0;
}

/* ".123456" or nothing; what is finer than a ms is cut off. */
static int fraction(struct str *s, int64_t *ms)
{
	int64_t scale = 100;
	size_t i = 1;

	*ms = 0;
	if (s->n == 0 || s->p[0] != '.')
		return 0;
	for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		*ms += (s->p[i] - '0') * scale;
		scale /= 10;
	}
	*s = str_cut(*s, i, s->n);
	return i > 1 ? 0 : -1;
}

/* "Z" or "+08:00", to the end; how far that clock is ahead of UTC, ms. */
static int offset(struct str *s, int64_t *ms)
{
	int64_t hours, minutes;
	char sign, colon;

	*ms = 0;
	if (one_of(s, "Zz+-", &sign) < 0)
		return -1;
	if (sign == 'Z' || sign == 'z')
		return s->n == 0 ? 0 : -1;
	if (digits(s, 2, 0, 23, &hours) < 0 || one_of(s, ":", &colon) < 0 ||
		digits(s, 2, 0, 59, &minutes) < 0 || s->n != 0)
		return -1;
	*ms = (hours * 60 + minutes) * 60 * 1000;
	if (sign == '-')
		*ms = -*ms;
	return 0;
}

int str_to_time(struct str s, int64_t *utc_ms)
{
	int64_t year, month, day, hour, minute, second, frac, ahead;
	char c;

	if (digits(&s, 4, 0, 9999, &year) < 0 || one_of(&s, "-", &c) < 0 ||
		digits(&s, 2, 1, 12, &month) < 0 || one_of(&s, "-", &c) < 0 ||
		digits(&s, 2, 1, month_days(year, month), &day) < 0 ||
		one_of(&s, "Tt ", &c) < 0)
		return -1;
	/* A leap second counts as the second that follows it. */
	if (digits(&s, 2, 0, 23, &hour) < 0 || one_of(&s, ":", &c) < 0 ||
		digits(&s, 2, 0, 59, &minute) < 0 || one_of(&s, ":", &c) < 0 ||
		digits(&s, 2, 0, 60, &second) < 0)
		return -1;
	if (fraction(&s, &frac) < 0 || offset(&s, &ahead) < 0)
		return -1;
	*utc_ms = days_from_date(year, month, day) * DAY_MS +
		((hour * 60 + minute) * 60 + second) * 1000 + frac - ahead;
	return 0;
}

char *str_time(int64_t utc_ms, char buf[STR_TIME_LEN])
{
	static const int64_t first = -62167219200000;  /* 0000-01-01 */
	static const int64_t last = 253402300799999; /* 9999-12-31 */
	int64_t days, year, month, day, ms;
	char text[64];

	if (utc_ms < first)
		utc_ms = first;
	if (utc_ms > last)
		utc_ms = last;
	days = utc_ms / DAY_MS - (utc_ms % DAY_MS < 0);
	ms = utc_ms - days * DAY_MS;
	date_from_days(days, &year, &month, &day);
	snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		(int)year, (int)month, (int)day, (int)(ms / 3600000),
		(int)(ms / 60000 % 60), (int)(ms / 1000 % 60),
		(int)(ms % 1000));
	memcpy(buf, text, STR_TIME_LEN - 1);
	buf[STR_TIME_LEN - 1] = '\0';
	return buf;
}
