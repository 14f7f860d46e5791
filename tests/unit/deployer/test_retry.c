#include "deployer/queue/retry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW ((int64_t)784111777000) /* 1994-11-06T08:49:37Z */
#define MIN ((int64_t)60000)

static uint32_t prng(uint32_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 17;
	*s ^= *s << 5;
	return *s;
}

/* The whole default schedule in virtual time, many draws. */
static void test_default_schedule(void **state)
{
	uint32_t seed = 7;
	int64_t least = INT64_MAX, most = 0;

	(void)state;
	for (int draw = 0; draw < 10000; draw++) {
		int64_t now = NOW;
		int tries = 0;

		for (int64_t attempt = 1;; attempt++) {
			struct retry_failure f = {.attempt = attempt,
				.now = now, .retry_after = -1,
				.random = prng(&seed)};
			int64_t next = retry_next(&retry_http, &f), step;

			tries++;
			if (next < 0)
				break;
			step = retry_http.steps[attempt];
			assert_in_range(next - now, step - step / 5,
				step + step / 5);
			now = next;
		}
		assert_int_equal(tries, 10);
		least = now - NOW < least ? now - NOW : least;
		most = now - NOW > most ? now - NOW : most;
	}
	/* 75:35:05 in all, spread: neither end is a constant. */
	assert_in_range(least, 0, 74 * 60 * MIN);
	assert_in_range(most, 77 * 60 * MIN, 91 * 60 * MIN);
}

static void test_spread_ends(void **state)
{
	struct retry_failure f = {.attempt = 1, .now = 0, .retry_after = -1};

	(void)state;
	f.random = 0;
	assert_int_equal(retry_next(&retry_http, &f), 4000);
	f.random = UINT32_MAX;
	assert_int_equal(retry_next(&retry_http, &f), 5999);
}

static void test_next(void **state)
{
	static const struct {
		int64_t attempt, retry_after;
		bool slow;
		int64_t wait; /* -1: given up */
	} cases[] = {
		{1, 0, false, 5000},           /* not before the step */
		{1, 7000, false, 7000},
		{1, 3600000, false, 10000},    /* not after twice the step */
		{1, 3600000, true, MIN},       /* a minute for the troubled */
		{1, 7000, true, MIN},
		{2, 7000, true, 5 * MIN},
		{2, 6 * MIN, true, 6 * MIN},
		{9, 0, false, 24 * 60 * MIN},
		{10, 0, false, -1},
		{11, 0, false, -1},
		{0, 0, false, -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct retry_failure f = {.attempt = cases[i].attempt,
			.now = NOW, .retry_after = cases[i].retry_after,
			.slow = cases[i].slow};

		assert_int_equal(retry_next(&retry_http, &f),
			cases[i].wait < 0 ? -1 : NOW + cases[i].wait);
	}
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *value;
		int64_t now, ms;
	} cases[] = {
		{"0", NOW, 0},
		{"120", NOW, 120000},
		{"  3 ", NOW, 3000},
		{"99999999", NOW, RETRY_STEP_MAX_MS},
		{"99999999999999999999", NOW, -1},
		{"-1", NOW, -1},
		{"1.5", NOW, -1},
		{"soon", NOW, -1},
		{"", NOW, -1},
		{"Sun, 06 Nov 1994 08:50:37 GMT", NOW, MIN},
		{"Sun, 06 Nov 1994 08:48:37 GMT", NOW, 0},
		{"Sunday, 06-Nov-94 08:50:37 GMT", NOW, MIN},
		{"Sun Nov  6 08:50:37 1994", NOW, MIN},
		{"Sun, 06 Nov 1994 08:50:37 GMT, later", NOW, -1},
		{"Sun, 06 Nov 1994 08:50:37", NOW, -1},
		{"Sun, 06 Foo 1994 08:50:37 GMT", NOW, -1},
		{"Sun, 36 Nov 1994 08:50:37 GMT", NOW, -1},
		{"Sun, 06 Nov 1994 28:50:37 GMT", NOW, -1},
		/* 94 seen from 2026 is past: at once. */
		{"Sunday, 06-Nov-94 08:50:37 GMT", 1795400000000, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (retry_after(str_from(cases[i].value), cases[i].now) !=
			cases[i].ms)
			fail_msg("`%s` is %lld", cases[i].value,
				(long long)retry_after(str_from(cases[i].value),
					cases[i].now));
}

static void test_parse(void **state)
{
	char *good[] = {"0", "500ms", "2h"};
	char *bad[] = {"0", "soon"};
	char *negative[] = {"-5s"};
	char *huge[] = {"31d"};
	char *many[RETRY_STEPS_MAX + 1];
	struct retry_schedule s;
	struct err err = {0};

	(void)state;
	assert_int_equal(retry_parse(&s, good, 3, &err), 0);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.steps[1], 500);
	assert_int_equal(s.steps[2], 120 * MIN);
	assert_int_equal(retry_parse(&s, bad, 2, &err), -1);
	assert_non_null(strstr(err.text, "step 2 of the schedule, `soon`"));
	assert_int_equal(retry_parse(&s, negative, 1, &err), -1);
	assert_int_equal(retry_parse(&s, huge, 1, &err), -1);
	assert_int_equal(retry_parse(&s, good, 0, &err), -1);
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = "1s";
	assert_int_equal(retry_parse(&s, many, ARRAY_LEN(many), &err), -1);
	assert_int_equal(retry_parse(&s, many, RETRY_STEPS_MAX, &err), 0);
}

static void test_engine(void **state)
{
	static const int64_t waits[] = {
		1000, 1000, 2000, 4000, 8000, 16000, 30000, 30000};

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(waits); i++)
		assert_int_equal(retry_engine(i), waits[i]);
	assert_int_equal(retry_engine(4000000000u), 30000);
}

static void test_patience(void **state)
{
	const struct retry_schedule quick = {.steps = {0, 1000}, .n = 2};

	(void)state;
	/* 75:35:05 and a fifth; and the least. */
	assert_int_equal(retry_patience(&retry_http),
		(75 * 3600 + 35 * 60 + 5) * INT64_C(1200));
	assert_int_equal(retry_patience(&quick), 72 * 3600 * INT64_C(1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patience),
		cmocka_unit_test(test_default_schedule),
		cmocka_unit_test(test_spread_ends),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
