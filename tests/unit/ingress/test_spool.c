#include "ingress/spool_read.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/data/db.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-spool-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : -1;
}

/* ---- put, and wait for it ---- */

struct waited {
	struct spool_put put;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done, failed;
};

static void put_done(struct spool_put *put, const struct err *err)
{
	struct waited *w = CONTAINER_OF(put, struct waited, put);

	pthread_mutex_lock(&w->lock);
	w->done = true;
	w->failed = err != NULL;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

static void put_init(struct waited *w)
{
	memset(w, 0, sizeof(*w));
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->told, NULL);
	w->put.done = put_done;
}

static void put_wait(struct waited *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->told, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

static void add(struct waited *w, int64_t now, const char *sender_id,
	const char *tag)
{
	struct event e = {0};
	struct err err = {0};
	char id[UID_LEN];

	e.id = xstrdup(uid_new(now, id));
	e.time = uid_time(e.id);
	e.source = xstrdup("src");
	e.sender_id = xstrdup_null(sender_id);
	e.repository = xstrdup("shop/web");
	e.tag = xstrdup(tag);
	if (spool_put_add(&w->put, &e, &err) < 0)
		fail_msg("%s", err.text);
}

/* One event on its own; its seq, or 0 for a repeat. */
static int64_t put_one(struct spool *s, int64_t now, const char *sender_id,
	const char *tag)
{
	struct waited w;
	int64_t seq;

	put_init(&w);
	add(&w, now, sender_id, tag);
	assert_int_equal(spool_put_start(s, &w.put), 0);
	put_wait(&w);
	assert_false(w.failed);
	seq = w.put.entries.v[0].duplicate ? 0 : w.put.entries.v[0].seq;
	spool_put_release(&w.put);
	return seq;
}

static struct spool *open_spool(void)
{
	struct err err = {0};
	struct spool *s = spool_open(dir, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static struct spool_reader *open_reader(void)
{
	struct err err = {0};
	struct spool_reader *r = spool_reader_open(dir, &err);

	if (!r)
		fail_msg("%s", err.text);
	return r;
}

/* ---- what is loaded ---- */

struct loaded {
	size_t n, damaged;
	char tags[256], damage[256];
};

static void take_row(void *ctx, struct spool_row *row)
{
	struct loaded *l = ctx;
	size_t used = strlen(l->tags);

	if (row->damage) {
		l->damaged++;
		snprintf(l->damage, sizeof(l->damage), "%s", row->damage);
		assert_string_equal(row->source, "src");
		assert_true(uid_valid(row->id));
		return;
	}
	l->n++;
	snprintf(l->tags + used, sizeof(l->tags) - used, "%s ",
		row->event.tag);
}

static struct loaded load(struct spool_reader *r, int64_t after,
	int64_t upto, size_t limit, int64_t *last)
{
	struct loaded l = {0};
	struct err err = {0};

	if (spool_reader_load(r, after, upto, limit, take_row, &l, last,
		&err) < 0)
		fail_msg("%s", err.text);
	return l;
}

static void done_flag(void *ctx, const struct err *err)
{
	assert_null(err);
	*(int *)ctx += 1;
}

/* ---- tests ---- */

static int mark(struct spool *s, int64_t seq, const char *parked,
	void (*done)(void *ctx, const struct err *err), void *ctx)
{
	struct spool_mark m = {seq, parked};

	return spool_mark(s, &m, 1, done, ctx);
}

static void test_restart(void **state)
{
	struct spool *s = open_spool();
	struct spool_reader *r;
	int64_t a = put_one(s, 1000, "1", "a"), b = put_one(s, 2000, "2", "b");
	int64_t c = put_one(s, 3000, NULL, "c"), last = 0;
	char id[UID_LEN];
	int marked = 0;

	(void)state;
	assert_true(a > 0 && a < b && b < c);
	assert_true(spool_healthy(s));
	assert_int_equal(mark(s, b, NULL, done_flag, &marked), 0);
	spool_close(s); /* finishes what is queued */
	assert_int_equal(marked, 1);

	s = open_spool();
	r = open_reader();
	assert_int_equal(spool_reader_pending(r), 2);
	assert_int_equal(spool_reader_newest(r), c);
	assert_string_equal(load(r, 0, c, 10, &last).tags, "a c ");
	assert_int_equal(last, c);
	assert_string_equal(load(r, 0, c, 1, &last).tags, "a ");
	assert_int_equal(last, a);
	assert_string_equal(load(r, last, c, 1, &last).tags, "c ");
	assert_int_equal(load(r, last, c, 1, &last).n, 0);
	assert_string_equal(load(r, 0, b, 10, &last).tags, "a ");
	assert_int_equal(last, b);
	/* Ids go on after what is in the spool, also when the clock is back. */
	assert_true(uid_time(uid_new(5, id)) >= 3000);
	spool_reader_close(r);
	spool_close(s);
}

static void test_one_owner(void **state)
{
	struct spool *s = open_spool();
	struct err err = {0};

	(void)state;
	assert_null(spool_open(dir, &err));
	assert_non_null(strstr(err.text, "in use"));
	spool_close(s);
}

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

static void run_sql(const char *sql)
{
	char path[96];
	struct err err = {0};
	struct db *db;

	snprintf(path, sizeof(path), "%s/spool.db", dir);
	db = db_open(path, &spool_schema, false, &err);
	if (!db || db_exec(db, sql, &err) < 0)
		fail_msg("%s", err.text);
	db_close(db);
}

static void test_damaged(void **state)
{
	struct spool *s = open_spool();
	struct spool_reader *r;
	struct loaded l;
	int64_t last, d;

	(void)state;
	put_one(s, 1000, NULL, "a");
	put_one(s, 1000, NULL, "b");
	put_one(s, 1000, NULL, "c");
	d = put_one(s, 1000, NULL, "d");
	spool_close(s);
	/* One bit of b's payload; c gets the id of another. */
	run_sql("update event set payload = cast(replace(cast(payload as text),"
		" 'shop/web', 'shop/wec') as blob) where seq = 2;"
		"update event set id = '00000000-0000-7000-8000-000000000001'"
		" where seq = 3");
	s = open_spool();
	r = open_reader();
	l = load(r, 0, d, 10, &last);
	assert_string_equal(l.tags, "a d ");
	assert_int_equal(l.damaged, 2);
	assert_non_null(strstr(l.damage, "another id"));
	mark(s, 2, "checksum", NULL, NULL);
	mark(s, 3, "id", NULL, NULL);
	spool_reader_close(r);
	spool_close(s);
	s = open_spool();
	r = open_reader();
	assert_int_equal(spool_reader_pending(r), 2);
	l = load(r, 0, d, 10, &last);
	assert_string_equal(l.tags, "a d ");
	assert_int_equal(l.damaged, 0);
	spool_reader_close(r);
	spool_close(s);
}

static void test_prune(void **state)
{
	struct spool *s = open_spool();
	struct spool_reader *r;
	int64_t base = 1700000000000, seqs[3], last;

	(void)state;
	seqs[0] = put_one(s, base, "1", "a");
	seqs[1] = put_one(s, base + 1000, "2", "b");
	seqs[2] = put_one(s, base + 2000, "3", "c");
	put_one(s, base + 3000, "4", "d");
	mark(s, seqs[0], NULL, NULL, NULL);
	mark(s, seqs[2], NULL, NULL, NULL);
	spool_prune(s, base + 2000); /* a goes, b is pending, c is young */
	spool_close(s);
	s = open_spool();
	assert_true(put_one(s, base + 4000, "1", "a") > seqs[2] + 1);
	assert_int_equal(put_one(s, base + 4000, "2", "b"), 0);
	assert_int_equal(put_one(s, base + 4000, "3", "c"), 0);
	r = open_reader();
	assert_string_equal(load(r, 0, spool_reader_newest(r), 10, &last).tags,
		"b d a c ");
	spool_reader_close(r);
	spool_close(s);
}

/* A seq is never given twice, even when the newest rows are gone. */
static void test_seq_is_new(void **state)
{
	struct spool *s = open_spool();
	int64_t a = put_one(s, 1000, NULL, "a");

	(void)state;
	spool_close(s);
	run_sql("delete from event");
	s = open_spool();
	assert_true(put_one(s, 2000, NULL, "b") > a);
	spool_close(s);
}

/* A body of which one write fails is not there at all, nor is its group, and
 * the spool knows that it is not healthy until a commit succeeds. */
static void test_group_failure(void **state)
{
	struct spool *s = open_spool();
	struct spool_reader *r;
	struct waited w;

	(void)state;
	put_one(s, 1000, NULL, "a");
	run_sql("create trigger no_space before insert on event"
		" when new.sender_id = 'full'"
		" begin select raise(fail, 'disk full'); end");
	put_init(&w);
	add(&w, 2000, "ok", "b");
	add(&w, 2000, "full", "c");
	assert_int_equal(spool_put_start(s, &w.put), 0);
	put_wait(&w);
	assert_true(w.failed);
	spool_put_release(&w.put);
	assert_false(spool_healthy(s));
	/* The sender's repeat is no duplicate of what was undone. */
	run_sql("drop trigger no_space");
	assert_true(put_one(s, 3000, "ok", "b") > 0);
	assert_true(put_one(s, 3000, "full", "c") > 0);
	assert_true(spool_healthy(s));
	r = open_reader();
	assert_int_equal(spool_reader_pending(r), 3);
	spool_reader_close(r);
	spool_close(s);
}

static void test_probe(void **state)
{
	struct spool *s = open_spool();

	(void)state;
	run_sql("create trigger no_probe before update on probe"
		" begin select raise(fail, 'no'); end");
	spool_probe(s);
	for (int i = 0; i < 6000 && spool_healthy(s); i++)
		usleep(10000);
	assert_false(spool_healthy(s));
	run_sql("drop trigger no_probe");
	spool_probe(s);
	for (int i = 0; i < 6000 && !spool_healthy(s); i++)
		usleep(10000);
	assert_true(spool_healthy(s));
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

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_restart),
		TEST(test_one_owner),
		TEST(test_repeats),
		TEST(test_damaged),
		TEST(test_prune),
		TEST(test_seq_is_new),
		TEST(test_group_failure),
		TEST(test_probe),
		TEST(test_limits),
		TEST(test_threads),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
