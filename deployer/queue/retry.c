#include "deployer/queue/retry.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define PATIENCE_MIN_MS (72 * HOUR)
#define ENGINE_MAX_MS (30 * SECOND)

const struct retry_schedule retry_http = {
	.steps = {0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR,
		10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR},
	.n = 10,
};

const struct retry_schedule retry_deploy = {
	.steps = {0, 5 * SECOND, 30 * SECOND, 2 * MINUTE, 5 * MINUTE,
		15 * MINUTE, 30 * MINUTE},
	.n = 7,
};

int retry_parse(struct retry_schedule *s, char *const *steps, size_t n,
	struct err *err)
{
	if (n == 0 || n > RETRY_STEPS_MAX)
		return err_fail(err, "a schedule has 1 to %d steps, not %zu",
			RETRY_STEPS_MAX, n);
	for (size_t i = 0; i < n; i++)
		if (str_to_duration(str_from(steps[i]), &s->steps[i]) < 0 ||
			s->steps[i] < 0 || s->steps[i] > RETRY_STEP_MAX_MS)
			return err_fail(err,
				"step %zu of the schedule, `%s`, is not a "
				"duration between 0 and 30d such as 5s or 2h",
				i + 1, steps[i]);
	s->n = n;
	return 0;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* step - 20 % .. step + 20 %; steps are at most 30 days, so it fits. */
static int64_t spread(int64_t step, uint32_t random)
{
	uint64_t width = (uint64_t)step * 2 / 5;

	return step - step / 5 + (int64_t)((width * random) >> 32);
}

int64_t retry_next(const struct retry_schedule *s,
	const struct retry_failure *f)
{
	int64_t step, wait;

	if (f->attempt < 1 || f->attempt >= (int64_t)s->n)
		return -1;
	step = s->steps[f->attempt];
	wait = f->retry_after >= 0 ? clamp(f->retry_after, step, 2 * step)
				   : spread(step, f->random);
	if (f->slow && wait < MINUTE)
		wait = MINUTE;
	return f->now + wait;
}

int64_t retry_patience(const struct retry_schedule *s)
{
	int64_t span = 0;

	for (size_t i = 0; i < s->n; i++)
		span += s->steps[i] + s->steps[i] / 5;
	return span > PATIENCE_MIN_MS ? span : PATIENCE_MIN_MS;
}

int64_t retry_engine(unsigned tries)
{
	return tries > 5 ? ENGINE_MAX_MS
			 : clamp(SECOND << (tries ? tries - 1 : 0), SECOND,
				   ENGINE_MAX_MS);
}

/* ---- Retry-After ---------------------------------------------------------- */

/* 1 to 12, or 0. */
static int month(const char name[4])
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (strncmp(names + 3 * i, name, 3) == 0)
			return i + 1;
	return 0;
}

/* RFC 9110, 5.6.7: IMF-fixdate, RFC 850 (two digits of the year), asctime. */
int retry_http_date(const char *s, int64_t now, int64_t *utc_ms)
{
	char mon[4], clock[9], iso[32], today[STR_TIME_LEN];
	int day, year, end = 0;
	int64_t this_year;

	if (sscanf(s, "%*3s, %2d %3s %4d %8s GMT%n", &day, mon, &year, clock,
		    &end) == 4 && end)
		;
	else if (sscanf(s, "%*[A-Za-z], %2d-%3s-%2d %8s GMT%n", &day, mon,
			 &year, clock, &end) == 4 && end) {
		/* A year that seems more than 50 years ahead is past. */
		str_time(now, today);
		if (str_to_i64((struct str){today, 4}, &this_year) < 0)
			return -1;
		year += (int)(this_year - this_year % 100);
		if (year > this_year + 50)
			year -= 100;
	} else if (sscanf(s, "%*3s %3s %2d %8s %4d%n", mon, &day, clock, &year,
			   &end) != 4 || !end) {
		return -1;
	}
	if (s[end] || !month(mon))
		return -1;
	snprintf(iso, sizeof(iso), "%04d-%02d-%02dT%sZ", year % 10000,
		month(mon), day % 100, clock);
	return str_to_time(str_from(iso), utc_ms);
}

int64_t retry_after(struct str value, int64_t now)
{
	char text[64];
	int64_t n;

	value = str_trim(value);
	if (value.n == 0 || value.n >= sizeof(text))
		return -1;
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	if (str_to_i64(value, &n) == 0)
		return n < 0 ? -1 : clamp(n, 0, RETRY_STEP_MAX_MS / SECOND) *
				SECOND;
	if (retry_http_date(text, now, &n) < 0)
		return -1;
	return clamp(n - now, 0, RETRY_STEP_MAX_MS);
}
