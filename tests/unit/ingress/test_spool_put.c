/* What is put: repeats, keys, limits, many at once. */
#include "tests/unit/ingress/spool_rig.h"

static void assert_again(const struct event *e, const char *first,
	int64_t again)
{
	assert_string_equal(e->id, first);
	assert_string_equal(e->tag, "a");
	assert_int_equal(e->time, uid_time(first));
	assert_int_equal(e->again, again);
}

static void test_repeats(void **state)
{
	struct spool *s = open_spool();
	struct spool_reader *r;
	struct waited w;
	int64_t a, last;
	char first[UID_LEN];

	(void)state;
	put_init(&w);
	add(&w, 1000, "1", "a");
	snprintf(first, sizeof(first), "%s", w.put.entries.v[0].event.id);
	assert_int_equal(spool_put_start(s, &w.put), 0);
	put_wait(&w);
	a = w.put.entries.v[0].seq;
	spool_put_release(&w.put);
	/* In one body: a repeat of the past, a new one, a repeat of it. */
	put_init(&w);
	add(&w, 2000, "1", "a2");
	add(&w, 2000, "2", "b");
	add(&w, 2000, "2", "b2");
	add(&w, 2000, NULL, "c");
	add(&w, 2000, NULL, "c");
	assert_int_equal(spool_put_start(s, &w.put), 0);
	put_wait(&w);
	assert_false(w.failed);
	assert_true(w.put.entries.v[0].duplicate);
	assert_false(w.put.entries.v[1].duplicate);
	assert_true(w.put.entries.v[2].duplicate);
	assert_string_equal(w.put.entries.v[2].first,
		w.put.entries.v[1].event.id);
	assert_false(w.put.entries.v[3].duplicate);
	assert_false(w.put.entries.v[4].duplicate);
	assert_string_equal(w.put.entries.v[0].first, first);
	spool_put_release(&w.put);
	/* Known after it was done, and after a restart. Then it goes the way
	 * once more, as it was, and once only while it is under way. */
	for (int64_t round = 1; round <= 2; round++) {
		mark(s, a, NULL, NULL, NULL);
		spool_close(s);
		s = open_spool();
		for (int i = 0; i < 2; i++) {
			put_init(&w);
			add(&w, 3000, "1", i ? "changed" : "a");
			assert_int_equal(spool_put_start(s, &w.put), 0);
			put_wait(&w);
			assert_true(w.put.entries.v[0].duplicate);
			assert_string_equal(w.put.entries.v[0].first, first);
			assert_int_equal(w.put.entries.v[0].again, i == 0);
			if (i == 0) {
				assert_true(w.put.entries.v[0].seq > a);
				a = w.put.entries.v[0].seq;
				assert_again(&w.put.entries.v[0].event, first,
					round);
			}
			spool_put_release(&w.put);
		}
		r = open_reader();
		assert_int_equal(spool_reader_pending(r), 4);
		assert_string_equal(load(r, 0, a, 10, &last).tags,
			"b c c a ");
		spool_reader_close(r);
	}
	spool_close(s);
}

static void test_limits(void **state)
{
	struct event e = {0}, zero = {0};
	struct spool_put put = {0};
	struct err err = {0};
	char long_region[100];

	(void)state;
	memset(long_region, 'x', sizeof(long_region) - 1);
	long_region[sizeof(long_region) - 1] = '\0';
	e.id = xstrdup("00000000-0000-7000-8000-000000000001");
	e.source = xstrdup("src");
	e.repository = xstrdup("a");
	e.tag = xstrdup("b");
	e.time = 1;
	e.region = xstrdup(long_region);
	assert_int_equal(spool_put_add(&put, &e, &err), -1);
	assert_memory_equal(&e, &zero, sizeof(e));
	assert_int_equal(put.entries.n, 0);
	spool_put_release(&put);
}

/* Four threads at once: every event is there once, in order of its seq. */
#define WRITERS 4
#define EACH 250

static void *write_many(void *arg)
{
	for (int i = 0; i < EACH; i++)
		assert_true(put_one(arg, 1000, NULL, "x") > 0);
	return NULL;
}

static void test_threads(void **state)
{
	struct spool *s = open_spool();
	struct spool_reader *r;
	pthread_t t[WRITERS];
	int64_t last = 0, newest;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < WRITERS; i++)
		pthread_create(&t[i], NULL, write_many, s);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(t[i], NULL);
	r = open_reader();
	assert_int_equal(spool_reader_pending(r), WRITERS * EACH);
	newest = spool_reader_newest(r);
	while (last < newest)
		n += load(r, last, newest, 64, &last).n;
	assert_int_equal(n, WRITERS * EACH);
	spool_reader_close(r);
	spool_close(s);
}

/* Which events are repeats of the first: by the sender's id, or without one
 * by what was pushed when. */
static void test_keys(void **state)
{
	static const struct event first = {
		.source = "reg", .repository = "shop/web", .tag = "v1",
		.digest = "sha256:1", .pushed_at = 1000};
	struct event e = first;
	char a[SPOOL_KEY_LEN], b[SPOOL_KEY_LEN];

	(void)state;
	assert_string_equal(spool_key(&first, a), spool_key(&e, b));
	assert_int_equal(strlen(a), SPOOL_KEY_LEN - 1);
	e.pushed_at = 2000;
	assert_string_not_equal(a, spool_key(&e, b));
	e = first;
	e.digest = NULL;
	assert_string_not_equal(a, spool_key(&e, b));
	e = first;
	e.tag = "v2";
	assert_string_not_equal(a, spool_key(&e, b));
	e = first;
	e.registry = "reg.example.com";
	assert_string_not_equal(a, spool_key(&e, b));
	e = first;
	e.trigger = "web";
	assert_string_not_equal(a, spool_key(&e, b));
	/* A push without a time is no repeat: the tag may have gone to another
	 * image and come back. */
	e = first;
	e.pushed_at = 0;
	assert_null(spool_key(&e, b));
	e.sender_id = "guid";
	assert_string_equal(spool_key(&e, b), "guid");
	/* By two triggers' own URLs it is two. */
	e.trigger = "web";
	spool_key(&e, a);
	e.trigger = "worker";
	assert_string_not_equal(a, spool_key(&e, b));
	e.trigger = "web";
	assert_string_equal(a, spool_key(&e, b));
}

static void count_parked(void *ctx, struct spool_row *row, const char *reason)
{
	size_t *n = ctx;

	(void)row;
	assert_string_equal(reason, "a reason");
	++*n;
}

/* A repeat of an event that was set aside as damaged is that push, whole
 * again; of one that kills matchers it is not asked for. The first stays
 * parked, and told at each start. */
static void test_repeat_of_a_parked_one(void **state)
{
	static const struct {
		const char *damage;
		bool taken;
	} cases[] = {
		{"update event set payload = x'00' where state = 'parked'",
			true},
		{"update event set id = 'x' || substr(id, 2)"
		 " where state = 'parked'", true},
		{NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char sender[8];
		struct spool *s = open_spool();
		struct spool_reader *r;
		struct loaded l;
		struct err err = {0};
		int64_t a, b, last;
		size_t n = 0;

		snprintf(sender, sizeof(sender), "p%zu", i);
		a = put_one(s, 1000, sender, "v1");
		mark(s, a, "a reason", NULL, NULL);
		spool_close(s);
		if (cases[i].damage)
			run_sql(cases[i].damage);
		s = open_spool();
		b = put_one(s, 2000, sender, "v1");
		assert_int_equal(b > a, cases[i].taken);
		/* And that one's repeat is one. */
		assert_int_equal(put_one(s, 3000, sender, "v1"), 0);
		r = open_reader();
		l = load(r, a, a + 10, 10, &last);
		assert_string_equal(l.tags, cases[i].taken ? "v1 " : "");
		assert_int_equal(l.damaged, 0);
		assert_int_equal(spool_reader_parked(r, 10, count_parked, &n,
					 &err), 0);
		assert_int_equal(n, i + 1);
		spool_reader_close(r);
		spool_close(s);
	}
}

/* One that was done and whose row is damaged is known, and stays. */
static void test_repeat_of_a_damaged_one(void **state)
{
	static const char *const damages[] = {
		"update event set payload = x'00' where state = 'done'",
		"update event set id = 'x' || substr(id, 2)"
		" where state = 'done'",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		char sender[8];
		struct spool *s = open_spool();
		struct waited w;

		snprintf(sender, sizeof(sender), "d%zu", i);
		mark(s, put_one(s, 1000, sender, "v1"), NULL, NULL, NULL);
		spool_close(s);
		run_sql(damages[i]);
		s = open_spool();
		put_init(&w);
		add(&w, 2000, sender, "v1");
		assert_int_equal(spool_put_start(s, &w.put), 0);
		put_wait(&w);
		assert_false(w.failed);
		assert_true(w.put.entries.v[0].duplicate);
		assert_false(w.put.entries.v[0].again);
		spool_put_release(&w.put);
		spool_close(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_repeats),
		TEST(test_repeat_of_a_parked_one),
		TEST(test_repeat_of_a_damaged_one),
		TEST(test_limits),
		TEST(test_threads),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
