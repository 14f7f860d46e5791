#include "ingress/reject.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct seen {
	size_t n;
	uint64_t count;
	char peer[64], reason[64], source[64];
	int status;
};

static void collect(void *ctx, const struct reject_row *row)
{
	struct seen *s = ctx;

	s->n++;
	s->count += row->count;
	s->status = row->status;
	snprintf(s->peer, sizeof(s->peer), "%s", row->peer);
	snprintf(s->reason, sizeof(s->reason), "%s", row->reason);
	snprintf(s->source, sizeof(s->source), "%s",
		row->source ? row->source : "-");
}

static struct seen flush(struct reject *r, int64_t now)
{
	struct seen s = {0};

	reject_flush(r, now, collect, &s);
	return s;
}

static bool note(struct reject *r, const char *source, const char *peer,
	int status, const char *reason, int64_t now)
{
	struct reject_row row = {source, peer, status, reason, 0};

	return reject_note(r, &row, now);
}

/* Uses up the rows that are given at once. */
static void singles(struct reject *r, const char *source, const char *peer,
	int status, int64_t now)
{
	for (int i = 0; i < REJECT_SINGLE; i++)
		assert_true(note(r, source, peer, status, "first", now));
}

static void test_minute(void **state)
{
	struct reject *r = reject_new();
	struct seen s;

	(void)state;
	singles(r, "a", "10.0.0.1", 401, 1000);
	for (int i = 0; i < 100; i++)
		assert_false(note(r, "a", "10.0.0.1", 401, "next", 1000 + i));
	assert_false(note(r, "a", "10.0.0.1", 401, "last", 60999));
	assert_int_equal(flush(r, 60999).n, 0);
	s = flush(r, 61000);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.count, 101);
	assert_int_equal(s.status, 401);
	assert_string_equal(s.peer, "10.0.0.1");
	assert_string_equal(s.reason, "last");
	assert_string_equal(s.source, "a");
	/* A flood that goes on gives one row a minute, not two. */
	assert_false(note(r, "a", "10.0.0.1", 401, "again", 61001));
	assert_int_equal(flush(r, 120999).n, 0);
	assert_int_equal(flush(r, 121000).count, 1);
	/* After a quiet minute the next is a first one again. */
	assert_int_equal(flush(r, 181000).n, 0);
	singles(r, "a", "10.0.0.1", 401, 181001);
	assert_false(note(r, "a", "10.0.0.1", 401, "next", 181002));
	reject_free(r);
}

static void test_keys(void **state)
{
	struct reject *r = reject_new();

	(void)state;
	singles(r, "a", "10.0.0.1", 401, 0);
	singles(r, "b", "10.0.0.1", 401, 0);
	singles(r, NULL, "10.0.0.1", 401, 0);
	singles(r, "a", "10.0.0.2", 401, 0);
	singles(r, "a", "10.0.0.1", 400, 0);
	assert_false(note(r, "a", "10.0.0.1", 400, "x", 0));
	assert_false(note(r, NULL, "10.0.0.1", 401, "x", 0));
	assert_int_equal(flush(r, REJECT_WINDOW_MS).n, 2);
	reject_free(r);
}

/* A million addresses cost REJECT_KEYS keys and one more. */
static void test_bounded(void **state)
{
	struct reject *r = reject_new();
	size_t rows = 0;
	struct seen s;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char peer[32];

		snprintf(peer, sizeof(peer), "10.%d.%d.%d", i >> 16,
			(i >> 8) & 255, i & 255);
		rows += note(r, "a", peer, 401, "x", i);
	}
	assert_int_equal(rows, REJECT_KEYS + REJECT_SINGLE);
	s = flush(r, 20000 + REJECT_WINDOW_MS);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.count, 20000 - REJECT_KEYS - REJECT_SINGLE);
	assert_string_equal(s.peer, "many addresses");
	assert_string_equal(s.source, "-");
	/* The others were quiet: their keys are free again. */
	singles(r, "a", "192.0.2.1", 401, 90000);
	assert_false(note(r, "a", "192.0.2.1", 401, "x", 90000));
	reject_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_minute),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests_name("reject", tests, NULL, NULL);
}
