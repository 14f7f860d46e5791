/* Time zones and windows, with every day on which clocks change: the zones
 * against the C library, the windows against tables. */
#include "proto/base/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/base/zone.h"
#include "proto/base/zone_rule.h"

#define DAY 86400

static int64_t at(const char *text)
{
	int64_t ms;

	assert_int_equal(str_to_time(str_from(text), &ms), 0);
	return ms;
}

/* ---- zones ----------------------------------------------------------------- */

/* Only a test may set TZ: it has one thread. */
static void test_offsets_as_libc(void **state)
{
	static const char *const names[] = {"Europe/Berlin", "UTC",
		"America/New_York", "Australia/Lord_Howe", "Asia/Kolkata",
		"America/Sao_Paulo", "Pacific/Apia", "Africa/Casablanca",
		"Europe/Dublin", "America/St_Johns", "Antarctica/Troll",
		"Pacific/Chatham", "Etc/GMT+12"};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct zone *z = zone_load(ZONE_FOLDER, names[i], &err);

		if (z == NULL)
			fail_msg("%s", err.text);
		setenv("TZ", names[i], 1);
		tzset();
		/* 1990 to 2100, each 7 hours and some. */
		for (int64_t t = 631152000; t < 4102444800; t += 25777) {
			time_t clock = (time_t)t;
			struct tm tm;

			localtime_r(&clock, &tm);
			if (zone_offset(z, t) != tm.tm_gmtoff)
				fail_msg("%s at %lld: %lld, not %ld", names[i],
					(long long)t,
					(long long)zone_offset(z, t),
					tm.tm_gmtoff);
		}
		zone_free(z);
	}
}

static void test_bad_zones(void **state)
{
	static const char *const names[] = {"Europe/Nowhere", "", "/etc/passwd",
		"../../../etc/passwd", "Europe", "Europe/", "zone.tab",
		"tzdata.zi", "posixrules\n"};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_null(zone_load(ZONE_FOLDER, names[i], &err));
		assert_non_null(strstr(err.text, names[i]));
		assert_non_null(strstr(err.text, "tzdata"));
	}
}

/* Whatever is cut off or changed: an error or a zone, nothing else. */
static void test_broken_files(void **state)
{
	FILE *f = fopen(ZONE_FOLDER "/Europe/Berlin", "r");
	char bytes[8192];
	size_t n;
	struct zone *z;

	(void)state;
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	for (size_t k = 0; k < n; k++) {
		char *own = xmemdup0(bytes, k); /* at its end for the sanitizer */

		z = zone_parse((struct str){own, k}, NULL);
		assert_null(z);
		free(own);
	}
	for (size_t k = 0; k < n; k++) {
		char was = bytes[k];

		bytes[k] = (char)(was ^ (1 << k % 8));
		z = zone_parse((struct str){bytes, n}, NULL);
		if (z != NULL)
			(void)zone_offset(z, 1700000000);
		zone_free(z);
		bytes[k] = was;
	}
}

static void test_rules(void **state)
{
	static const struct {
		const char *rule;
		int64_t january, july; /* 2026-01-01, 2026-07-01; -1: bad */
	} cases[] = {
		{"UTC0", 0, 0},
		{"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 7200},
		{"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 39600, 37800},
		{"EST5EDT,M3.2.0,M11.1.0", -18000, -14400},
		{"XXX3YYY,J60/0,J300/0", -10800, -7200},
		{"XXX3YYY,59/0,299/0", -10800, -7200},
		{"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", -7200, -3600},
		{"IST-1GMT0,M10.5.0,M3.5.0/1", 0, 3600},
		{"AAA1:02:03", -3723, -3723},
		{"", -1, -1}, {"AB1", -1, -1}, {"UTC", -1, -1},
		{"<+1", -1, -1}, {"CET-1CEST", -1, -1},
		{"CET-1CEST,M3.5.0", -1, -1}, {"CET-1CEST,M13.5.0,M1.1.1", -1, -1},
		{"CET-1CEST,M3.6.0,M1.1.1", -1, -1},
		{"CET-1CEST,M3.5.7,M1.1.1", -1, -1},
		{"CET-1CEST,M3.5.0,M10.5.0/3x", -1, -1},
		{"CET-999", -1, -1}, {"CET-1CEST,J0,J1", -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct zone_rule r;
		int rc = zone_rule_parse(str_from(cases[i].rule), &r);

		if (rc < 0 && cases[i].january == -1)
			continue;
		if (rc < 0 || zone_rule_offset(&r, 1767225600) !=
					cases[i].january ||
			zone_rule_offset(&r, 1782864000) != cases[i].july)
			fail_msg("%s", cases[i].rule);
	}
}

/* ---- windows --------------------------------------------------------------- */

static const struct {
	const char *window, *now;
	const char *opens; /* NULL: it is open */
} openings[] = {
	/* 2026-11-23 is a Monday; Berlin is an hour ahead then. */
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2026-11-23T20:59:59.999Z",
		"2026-11-23T21:00:00Z"},
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2026-11-23T21:00:00Z",
		NULL},
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2026-11-24T04:59:59.999Z",
		NULL},
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2026-11-24T05:00:00Z",
		"2026-11-24T21:00:00Z"},
	/* Friday's goes on into Saturday, whose own does not come. */
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2026-11-28T04:00:00Z",
		NULL},
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2026-11-28T05:00:00Z",
		"2026-11-30T21:00:00Z"},
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2026-11-23T04:00:00Z",
		"2026-11-23T21:00:00Z"},
	{"Sat-Mon 08:00-09:00 UTC", "2026-11-24T08:30:00Z",
		"2026-11-28T08:00:00Z"},
	{"Sat-Mon 08:00-09:00 UTC", "2026-11-23T08:30:00Z", NULL},
	{"Sun 00:00-24:00 UTC", "2026-11-22T23:59:59Z", NULL},
	{"Sun 00:00-24:00 UTC", "2026-11-23T00:00:00Z",
		"2026-11-29T00:00:00Z"},
	{"06:00-07:00 Asia/Kolkata", "2026-11-23T00:29:00Z",
		"2026-11-23T00:30:00Z"},
	/* The day there is another one than here. */
	{"Tue 00:00-01:00 Pacific/Auckland", "2026-11-23T10:00:00Z",
		"2026-11-23T11:00:00Z"},
	{"Mon 23:00-24:00 America/Los_Angeles", "2026-11-24T07:30:00Z",
		NULL},
	/* Spring, 2026-03-29 in Berlin: 02:00 to 03:00 is skipped. */
	{"Sun 02:30-04:00 Europe/Berlin", "2026-03-29T00:59:59Z",
		"2026-03-29T01:00:00Z"},
	{"Sun 01:00-02:30 Europe/Berlin", "2026-03-29T00:59:59Z", NULL},
	{"Sun 01:00-02:30 Europe/Berlin", "2026-03-29T01:00:00Z",
		"2026-04-04T23:00:00Z"},
	/* all of it is skipped: a week later */
	{"Sun 02:00-03:00 Europe/Berlin", "2026-03-29T00:30:00Z",
		"2026-04-05T00:00:00Z"},
	{"Sat 22:00-06:00 Europe/Berlin", "2026-03-29T03:59:59Z", NULL},
	{"Sat 22:00-06:00 Europe/Berlin", "2026-03-29T04:00:00Z",
		"2026-04-04T20:00:00Z"},
	/* Autumn, 2026-10-25: 02:00 to 03:00 comes twice, both in it. */
	{"Sun 02:00-03:00 Europe/Berlin", "2026-10-24T23:59:59Z",
		"2026-10-25T00:00:00Z"},
	{"Sun 02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", NULL},
	{"Sun 02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", NULL},
	{"Sun 02:00-03:00 Europe/Berlin", "2026-10-25T02:00:00Z",
		"2026-11-01T01:00:00Z"},
	{"Sun 02:30-04:00 Europe/Berlin", "2026-10-25T00:29:59Z",
		"2026-10-25T00:30:00Z"},
	{"Sun 02:30-04:00 Europe/Berlin", "2026-10-25T02:59:59Z", NULL},
	{"Sun 02:30-04:00 Europe/Berlin", "2026-10-25T03:00:00Z",
		"2026-11-01T01:30:00Z"},
	/* Half an hour only, in the south, across new year. */
	{"Sun 02:00-02:30 Australia/Lord_Howe", "2026-10-03T15:00:00Z",
		"2026-10-10T15:00:00Z"},
	/* A day that a place has left out (2011-12-30). */
	{"Fri 10:00-11:00 Pacific/Apia", "2011-12-30T09:00:00Z",
		"2012-01-05T20:00:00Z"},
	/* Long after the table's end. */
	{"Mon-Fri 22:00-06:00 Europe/Berlin", "2090-07-03T19:59:00Z",
		"2090-07-03T20:00:00Z"},
};

static void test_next(void **state)
{
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(openings); i++) {
		struct window *w =
			window_new(openings[i].window, ZONE_FOLDER, &err);
		int64_t now = at(openings[i].now), got;
		int64_t want = openings[i].opens ? at(openings[i].opens) : now;
		char text[STR_TIME_LEN];

		if (w == NULL)
			fail_msg("%s", err.text);
		got = window_next(w, now);
		if (got != want)
			fail_msg("%s at %s: %s", openings[i].window, openings[i].now,
				str_time(got, text));
		window_free(w);
	}
}

/* Whenever it is asked, the answer is open when it is asked for, and nothing
 * before it is. */
static void test_next_is_first(void **state)
{
	static const char *const texts[] = {
		"Mon-Fri 22:00-06:00 Europe/Berlin",
		"Sun 01:30-02:30 America/New_York",
		"Sat-Sun 23:15-00:45 Australia/Lord_Howe"};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct window *w = window_new(texts[i], ZONE_FOLDER, &err);
		int64_t end = at("2027-01-01T00:00:00Z"), next = 0;

		assert_non_null(w);
		for (int64_t t = at("2026-01-01T00:00:00Z"); t < end;
			t += 900000) {
			int64_t n = window_next(w, t);

			assert_true(n >= t && window_next(w, n) == n);
			assert_true(next <= t || n == next);
			if (n > t)
				assert_true(window_next(w, n - 1) == n);
			next = n;
		}
		window_free(w);
	}
}

static void test_bad_windows(void **state)
{
	static const char *const texts[] = {"", "always", "Mon",
		"22:00-06:00", "Mon 22:00-06:00", "Mon-Fri 22-06 UTC",
		"Mon-Fri 22:00-06:00 Europe/Nowhere", "Mo 22:00-06:00 UTC",
		"Mon- 22:00-06:00 UTC", "Mon-Fri-Sat 22:00-06:00 UTC",
		"Mon,Fri 22:00-06:00 UTC", "Mon 24:00-06:00 UTC",
		"Mon 22:00-24:01 UTC", "Mon 22:60-23:00 UTC",
		"Mon 06:00-06:00 UTC", "Mon 22:00-06:00 UTC now",
		"Mon +2:00-06:00 UTC", "mon 22:00-06:00 UTC"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		err_clear(&err);
		if (window_new(texts[i], ZONE_FOLDER, &err) != NULL)
			fail_msg("taken: %s", texts[i]);
		assert_true(err.text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_offsets_as_libc),
		cmocka_unit_test(test_bad_zones),
		cmocka_unit_test(test_broken_files),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_next_is_first),
		cmocka_unit_test(test_bad_windows),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
