/* What is kept over a restart, one owner, damage, and a disk that is full. */
#include "tests/unit/ingress/spool_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_restart),
		TEST(test_one_owner),
		TEST(test_damaged),
		TEST(test_prune),
		TEST(test_seq_is_new),
		TEST(test_group_failure),
		TEST(test_probe),
	};

	return cmocka_run_group_tests_name("spool", tests, NULL, NULL);
}
