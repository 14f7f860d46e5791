#include "proto/base/metrics.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static int forget(void **state)
{
	(void)state;
	metrics_reset();
	return 0;
}

static void expect(const char *json)
{
	struct strbuf out = {0};

	metrics_snapshot(&out);
	assert_string_equal(strbuf_cstr(&out), json);
	strbuf_release(&out);
}

static void names_values_labels(void **state)
{
	(void)state;
	expect("{}");
	metric_add(METRIC_RETURNED, NULL, NULL, 2);
	metric_add(METRIC_RETURNED, NULL, NULL, 1);
	metric_set(METRIC_JOBS, "http", "waiting", 7);
	metric_set(METRIC_JOBS, "http", "waiting", 5);
	metric_set(METRIC_JOBS, "http", "held", 0);
	metric_set(METRIC_SPOOL_OLDEST, NULL, NULL, 1500000);
	/* In the table's order, not in that of counting. */
	expect("{ \"pullwire_spool_oldest_seconds\":1.5,"
	       "\"pullwire_returned_events_total\":3,"
	       "\"pullwire_jobs{lane=\\\"http\\\",state=\\\"waiting\\\"}\":5,"
	       "\"pullwire_jobs{lane=\\\"http\\\",state=\\\"held\\\"}\":0}");
	assert_int_equal(metric_get(METRIC_JOBS, "http", "waiting"), 5);
	assert_int_equal(metric_get(METRIC_LEASES, NULL, NULL), 0);
}

static void values_cannot_break_out(void **state)
{
	static const struct {
		const char *value, *shown;
	} cases[] = {
		{"a\"b", "a\\\\\\\"b"},
		{"a\\b", "a\\\\\\\\b"},
		{"a\nb", "a\\\\nb"},
		{"a\x1b[31m\x7f\xff\xe2\x82\xac", "a?[31m?????"},
		{NULL, ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *want = xprintf("{ \"pullwire_link_peers{link=\\\"%s\\\"}"
				     "\":1}", cases[i].shown);

		metrics_reset();
		metric_set(METRIC_LINK_PEERS, cases[i].value, NULL, 1);
		expect(want);
		free(want);
	}
}

static void histograms_are_cumulative(void **state)
{
	struct strbuf out = {0};
	const char *text;

	(void)state;
	metric_time(METRIC_QUERY, NULL, 500);  /* on the edge: inside */
	metric_time(METRIC_QUERY, NULL, 501);
	metric_time(METRIC_QUERY, NULL, 60000000);
	metrics_snapshot(&out);
	text = strbuf_cstr(&out);
	assert_non_null(strstr(text, "_bucket{le=\\\"0.0005\\\"}\":1,"));
	assert_non_null(strstr(text, "_bucket{le=\\\"0.001\\\"}\":2,"));
	assert_non_null(strstr(text, "_bucket{le=\\\"10.0\\\"}\":2,"));
	assert_non_null(strstr(text, "_bucket{le=\\\"+Inf\\\"}\":3,"));
	assert_non_null(strstr(text, "pullwire_query_seconds_count\":3,"));
	assert_non_null(strstr(text, "pullwire_query_seconds_sum\":60.001001}"));
	strbuf_release(&out);
}

/* However many triggers there are, the snapshot fits into a status. */
static void bounded(void **state)
{
	struct strbuf out = {0};
	char name[METRICS_VALUE_MAX + 40];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%d-%090d", i, 0);
		metric_add(METRIC_ROWS, name, "deployed", 1);
	}
	assert_int_equal(metric_get(METRIC_ROWS, "other", "other"),
		3000 - METRICS_SERIES_MAX);
	metric_add(METRIC_RETURNED, NULL, NULL, 1);
	metrics_snapshot(&out);
	assert_true(out.len <= METRICS_TEXT_MAX);
	assert_int_equal(out.buf[out.len - 1], '}');
	assert_non_null(strstr(out.buf, "pullwire_returned_events_total\":1"));
	strbuf_release(&out);
}

static void the_table_is_sound(void **state)
{
	(void)state;
	for (size_t m = 0; m < METRICS; m++) {
		const struct metric_family *f = &metric_families[m];
		bool total = f->name != NULL &&
			str_ends(str_from(f->name), STR("_total"));

		if (f->name == NULL)
			fail_msg("metric %zu has no row in the table", m);
		assert_true(str_starts(str_from(f->name), STR("pullwire_")));
		assert_int_equal(total, f->kind == METRIC_COUNTER);
		assert_int_equal(f->buckets != NULL,
			f->kind == METRIC_HISTOGRAM);
		assert_true(f->kind != METRIC_HISTOGRAM || f->label[1] == NULL);
		assert_non_null(f->help);
		assert_null(strpbrk(f->help, "\\\n|"));
		for (size_t i = 0; i < m; i++)
			assert_string_not_equal(
				f->name, metric_families[i].name);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, forget)
	const struct CMUnitTest tests[] = {
		T(names_values_labels),
		T(values_cannot_break_out),
		T(histograms_are_cumulative),
		T(bounded),
		T(the_table_is_sound),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
