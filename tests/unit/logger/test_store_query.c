/* What a query gives: filters, pages, orders. */
#include "tests/unit/logger/store_rig.h"

static void filters(void **state)
{
	static const struct {
		const char *key, *value, *ids;
	} cases[] = {
		{"event", "e1", "e1/b/1/failed e1/a/1/deployed"},
		{"trigger", "a", "e2/a/1/waiting e1/a/1/deployed"},
		{"status", "failed", "e1/b/1/failed"},
		{"repository", "shop/api", "e3//1/no_trigger"},
		{"repository", "shop/*", ""},
		{"tag", "v2", "e3//1/no_trigger"},
		{"tag", "V2", ""},
		{"since", "1970-01-01T00:00:00.020Z",
			"e3//1/no_trigger e2/a/1/waiting e1/b/1/failed"},
		{"until", "1970-01-01T00:00:00.020Z", "e1/a/1/deployed"},
		{"limit", "1", "e3//1/no_trigger"},
		{"event", "' OR 1=1 --", ""},
		{"trigger", "\"", ""},
	};
	struct record r = record(40, "e3", NULL, "no_trigger", true);
	struct query q;

	(void)state;
	put_simple(10, "e1", "a", "deployed", true);
	put_simple(20, "e1", "b", "failed", true);
	put_simple(30, "e2", "a", "waiting", false);
	free(r.repository);
	free(r.tag);
	r.repository = xstrdup("shop/api");
	r.tag = xstrdup("v2");
	put(&r);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		query_init(&q);
		assert_int_equal(query_set(&q, cases[i].key, cases[i].value, 0,
					 NULL), 0);
		expect(&q, cases[i].ids);
		query_release(&q);
	}
	query_init(&q);
	query_set(&q, "trigger", "a", 0, NULL);
	query_set(&q, "event", "e1", 0, NULL);
	query_set(&q, "status", "deployed", 0, NULL);
	query_set(&q, "repository", "shop/web", 0, NULL);
	query_set(&q, "tag", "v1", 0, NULL);
	query_set(&q, "since", "1970-01-01T00:00:00.010Z", 0, NULL);
	query_set(&q, "until", "1970-01-01T00:00:00.011Z", 0, NULL);
	expect(&q, "e1/a/1/deployed");
	query_release(&q);
}

/* Page after page gives every row once, newest first, rows of one time too,
 * while others arrive: newer ones and late, old ones. */
static void pages_are_stable(void **state)
{
	struct rows rows = {0};
	struct query q;
	char event[16];
	size_t before = 0;

	(void)state;
	for (int i = 0; i < 30; i++) {
		snprintf(event, sizeof(event), "e%02d", i);
		put_simple(100 + i / 7, event, "t", "deployed", true);
	}
	query_init(&q);
	for (int page = 0; page < 100; page++) {
		q.limit = 4;
		q.after = rows.last;
		run(&q, &rows);
		if (rows.list.n == before)
			break;
		before = rows.list.n;
		snprintf(event, sizeof(event), "n%02d", page);
		put_simple(999, event, "t", "deployed", true);
		if (page == 2) /* below the cursor: on its place, once */
			put_simple(100, "late", "t", "deployed", true);
	}
	assert_int_equal(rows.list.n, 31);
	for (size_t i = 1; i < rows.list.n; i++) {
		const struct record *a = &rows.list.v[i - 1];
		const struct record *b = &rows.list.v[i];

		assert_true(a->time > b->time ||
			(a->time == b->time && strcmp(b->event, "late") != 0 &&
				(strcmp(a->event, "late") == 0 ||
					strcmp(a->event, b->event) > 0)));
	}
	rows_release(&rows);
}

static void orders(void **state)
{
	struct err err = {0};
	struct query q;
	int64_t seq = -1;

	(void)state;
	assert_int_equal(store_last(store, &seq, &err), 0);
	assert_int_equal(seq, 0);
	put_simple(30, "c", "t", "deployed", true);
	put_simple(10, "a", "t", "deployed", true);
	put_simple(20, "b", "t", "deployed", true);
	query_init(&q);
	q.limit = 2;
	expect(&q, "c/t/1/deployed b/t/1/deployed");
	q.order = QUERY_OLDEST_FIRST;
	expect(&q, "b/t/1/deployed c/t/1/deployed");
	q.order = QUERY_FROM_OLDEST;
	expect(&q, "a/t/1/deployed b/t/1/deployed");
	q.after = (struct query_cursor){.time = 20, .seq = 3};
	expect(&q, "c/t/1/deployed");
	q.after = (struct query_cursor){0};
	q.order = QUERY_AS_STORED;
	q.trigger = xstrdup("t");
	q.since = 1;
	expect(&q, "c/t/1/deployed a/t/1/deployed");
	query_release(&q);
	query_init(&q);
	q.limit = 2;
	q.order = QUERY_AS_STORED;
	q.after.seq = 1;
	expect(&q, "a/t/1/deployed b/t/1/deployed");
	assert_int_equal(store_last(store, &seq, &err), 0);
	assert_int_equal(seq, 3);
	q.after.seq = seq;
	expect(&q, "");
	put_simple(1, "old", "t", "deployed", true);
	expect(&q, "old/t/1/deployed");
}

static int first_only(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	(void)r;
	(void)at;
	return ++*(int *)ctx;
}

static void a_reader_may_stop_early(void **state)
{
	struct err err = {0};
	struct query q;
	int n = 0;

	(void)state;
	query_init(&q);
	put_simple(1, "a", "t", "deployed", true);
	put_simple(2, "b", "t", "deployed", true);
	assert_int_equal(store_query(store, &q, first_only, &n, &err), 0);
	assert_int_equal(n, 1);
	expect(&q, "b/t/1/deployed a/t/1/deployed");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define P(f) {"postgresql " #f, f, pg_setup, pg_teardown, NULL}
	const struct CMUnitTest sqlite[] = {
		T(filters),
		T(pages_are_stable),
		T(orders),
		T(a_reader_may_stop_early),
	};
	const struct CMUnitTest postgresql[] = {
		P(filters),
		P(pages_are_stable),
		P(orders),
		P(a_reader_may_stop_early),
	};
	const struct CMUnitTest none[] = {cmocka_unit_test(without_server)};
	int failed = cmocka_run_group_tests(sqlite, NULL, NULL);

	if (getenv("PULLWIRE_POSTGRESQL") == NULL)
		return failed + cmocka_run_group_tests(none, NULL, NULL);
	return failed + cmocka_run_group_tests(postgresql, NULL, NULL);
}
