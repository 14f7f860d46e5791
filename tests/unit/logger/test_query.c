#include "logger/query.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/strbuf.h"

#define NOW 1763898540123 /* 2025-11-23T11:49:00.123Z */

static void numbers(void **state)
{
	static const struct {
		const char *key, *value;
		int64_t want;
	} cases[] = {
		{"limit", "1", 1}, {"limit", "500", 500},
		{"since", "2h", NOW - 7200000}, {"since", "500ms", NOW - 500},
		{"since", "7d", NOW - 604800000}, {"since", "0", NOW},
		{"since", "2025-11-23T11:49:00.123Z", NOW},
		{"until", "2025-11-23T12:49:00+01:00", NOW - 123},
		{"until", "30m", NOW - 1800000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = {0};
		struct query q;
		int64_t got;

		query_init(&q);
		if (query_set(&q, cases[i].key, cases[i].value, NOW, &err) < 0)
			fail_msg("%s", err.text);
		got = cases[i].key[0] == 'l' ? q.limit
			: cases[i].key[0] == 's' ? q.since : q.until;
		if (got != cases[i].want)
			fail_msg("%s=%s reads as %" PRId64, cases[i].key,
				cases[i].value, got);
		query_release(&q);
	}
}

static void texts(void **state)
{
	struct query q;

	(void)state;
	query_init(&q);
	assert_int_equal(q.limit, 50);
	assert_int_equal(q.order, QUERY_NEWEST_FIRST);
	assert_int_equal(query_set(&q, "trigger", "a", NOW, NULL), 0);
	assert_int_equal(query_set(&q, "trigger", "web", NOW, NULL), 0);
	assert_int_equal(query_set(&q, "repository", "shop/web", NOW, NULL), 0);
	assert_int_equal(query_set(&q, "tag", "v1", NOW, NULL), 0);
	assert_int_equal(query_set(&q, "status", "503", NOW, NULL), 0);
	assert_int_equal(query_set(&q, "event", "E", NOW, NULL), 0);
	assert_string_equal(q.trigger, "web"); /* the last one holds */
	assert_string_equal(q.repository, "shop/web");
	assert_string_equal(q.tag, "v1");
	assert_string_equal(q.status, "503");
	assert_string_equal(q.event, "E");
	query_release(&q);
}

static void refused(void **state)
{
	static const char *const cases[][2] = {
		{"since", ""}, {"since", "yesterday"}, {"since", "-2h"},
		{"since", "2 h"}, {"since", "2025-11-23"}, {"since", "2x"},
		{"until", "2025-13-23T11:49:00Z"}, {"until", "1763898540123"},
		{"limit", ""}, {"limit", "0"}, {"limit", "501"},
		{"limit", "-1"}, {"limit", "1e2"}, {"limit", "10 "},
		{"limit", "99999999999999999999"},
		{"after", ""}, {"after", "1"}, {"after", "_"}, {"after", "1_"},
		{"after", "_1"}, {"after", "1_0"}, {"after", "1_-1"},
		{"after", "1_2_3"}, {"after", "1_2_"}, {"after", "a_b"},
		{"after", "1_99999999999999999999"},
		{"trigger", ""}, {"tag", ""}, {"event", ""},
		{"status", "damaged"}, /* no row is stored as that */
		{"status", "deploied"}, {"status", "Deployed"},
		{"status", "deployed "}, {"status", "5xx"},
		{"order", "asc"}, {"Limit", "1"}, {"", "1"}, {"limit ", "1"},
		{"trigger\n\033[31m", "x"},
	};
	struct strbuf longer = {0};
	struct err err = {0};
	struct query q;

	(void)state;
	query_init(&q);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		err_clear(&err);
		if (query_set(&q, cases[i][0], cases[i][1], NOW, &err) == 0)
			fail_msg("%s=%s", cases[i][0], cases[i][1]);
		assert_int_equal(err.cls, ERR_FAIL);
		assert_non_null(strstr(err.text, cases[i][0]));
	}
	for (size_t i = 0; i < 256; i++)
		strbuf_add_char(&longer, 'a');
	assert_int_equal(query_set(&q, "tag", strbuf_cstr(&longer), NOW, &err),
		-1);
	assert_string_equal(err.text, "tag: takes 1 to 255 bytes");
	strbuf_release(&longer);
	query_release(&q);
}

static void each_status_is_taken(void **state)
{
	struct err err = {0};
	struct query q;

	(void)state;
	query_init(&q);
	for (const char *const *s = record_statuses; *s != NULL; s++)
		assert_int_equal(query_set(&q, "status", *s, NOW, NULL), 0);
	/* One that is none is told all of them. */
	assert_int_equal(query_set(&q, "status",
				 "a-word-that-goes-on-and-on-and-on-and-on", NOW,
				 &err),
		-1);
	assert_non_null(strstr(err.text, "nor one of untriggered, no_trigger, "));
	for (const char *const *s = record_statuses; *s != NULL; s++)
		assert_non_null(strstr(err.text, *s));
	query_release(&q);
}

static void a_cursor_is_its_text(void **state)
{
	static const struct query_cursor cases[] = {
		{NOW, 1}, {0, 7}, {-5, 9}, {INT64_MAX, INT64_MAX},
		{INT64_MIN, INT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[QUERY_CURSOR_LEN];
		struct query q;

		query_init(&q);
		query_cursor(&cases[i], text);
		assert_int_equal(query_set(&q, "after", text, NOW, NULL), 0);
		assert_int_equal(q.after.time, cases[i].time);
		assert_int_equal(q.after.seq, cases[i].seq);
		query_release(&q);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(texts),
		cmocka_unit_test(refused),
		cmocka_unit_test(each_status_is_taken),
		cmocka_unit_test(a_cursor_is_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
