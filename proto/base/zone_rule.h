/*
 * The rule in a TZif file's last line, for what comes after its table: a POSIX
 * TZ string (IEEE Std 1003.1, 8.3) with the hours of RFC 8536, 3.3.1, such as
 * `CET-1CEST,M3.5.0,M10.5.0/3`. Pure.
 */
#ifndef PROTO_BASE_ZONE_RULE_H
#define PROTO_BASE_ZONE_RULE_H

#include "proto/base/str.h"

/* A day of the year, and the local time at which the clocks change on it. */
struct zone_day {
	char kind; /* 'M' month.week.weekday, 'J' day 1-365, '0' day 0-365 */
	int month, week, day;
	int64_t time; /* seconds; may be below 0 or over a day */
};

struct zone_rule {
	int64_t standard, summer; /* seconds east of UTC */
	bool has_summer;
	struct zone_day begin, end; /* of summer time */
};

/* The whole text. 0 or -1. */
int zone_rule_parse(struct str text, struct zone_rule *r) MUST_CHECK;
/* Seconds east of UTC at this instant. */
int64_t zone_rule_offset(const struct zone_rule *r, int64_t utc);

#endif
