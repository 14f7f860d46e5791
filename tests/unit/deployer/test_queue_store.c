/* One row each, rows that wait for the logger, pruning, one owner, a full disk. */
#include "tests/unit/deployer/queue_store_rig.h"

#include <signal.h>
#include <sys/resource.h>

#include "deployer/queue/queue_schema.h"

static void test_one_final_row(void **state)
{
	struct job job = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct queue_store *s;
	struct seen seen;
	struct rows rows;

	(void)state;
	s = store_start(&seen);
	arrive(s, &job, NULL, &seen);
	change(s, &job, QUEUE_WAITING, "waiting", &seen);
	change(s, &job, QUEUE_DONE, "rolled_back", &seen);
	change(s, &job, QUEUE_DONE, "deployed", &seen);
	change(s, &job, QUEUE_WAITING, "failed", &seen);
	wait_for(&seen, 5);
	assert_int_equal(seen.changes, 4);
	assert_int_equal(queue_store_pending(s), 0);
	rows = read_rows(s);
	assert_int_equal(rows.ids.n, 2);
	assert_string_equal(rows.ids.v[0], EVENT(1) "/web/1/waiting");
	assert_string_equal(rows.ids.v[1], EVENT(1) "/web/1/rolled_back");
	assert_int_equal(rows.final, 1);
	rows_release(&rows);
	store_end(s, &seen);
}

static void count_notice(void *ctx, int64_t seq, const struct job *job)
{
	size_t *n = ctx;

	++*n;
	assert_int_equal(seq, *n);
	assert_string_equal(job->id, EVENT(1) "/notify:a:web");
	assert_string_equal(job->notice, "{}");
}

/* Of the transaction that ends the job, and of no later one; there until
 * someone has it. */
static void test_notices_come_with_the_end(void **state)
{
	struct job job = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct job notice = make_job(EVENT(1), EVENT(1) "/notify:a:web", 10);
	struct queue_store *s;
	struct seen seen;
	struct err err;
	size_t n = 0;

	(void)state;
	notice.notice = "{}";
	s = store_start(&seen);
	arrive(s, &job, NULL, &seen);
	for (int i = 0; i < 2; i++) {
		struct notice made = {.id = xstrdup(i ? "late" : notice.id)};
		struct notice_list list = {0};
		struct queue_store_change c = {.id = job.id,
			.state = QUEUE_DONE, .now = 2000, .notices = &list};

		assert_int_equal(field_pack(&job_table, &notice, &made.payload,
					 &err), 0);
		VEC_PUSH(&list.list, made);
		queue_store_change(s, &c, on_change, &seen);
		assert_int_equal(list.list.n, 0);
	}
	wait_for(&seen, 3);
	store_end(s, &seen);
	s = store_start(&seen);
	assert_int_equal(queue_read_notices(queue_store_reader(s), 0, 10,
				 count_notice, &n, &err), 0);
	assert_int_equal(n, 1);
	queue_store_notice_done(s, notice.id);
	store_end(s, &seen);
	s = store_start(&seen);
	assert_int_equal(queue_read_notices(queue_store_reader(s), 0, 10,
				 count_notice, &n, &err), 0);
	assert_int_equal(n, 1);
	store_end(s, &seen);
}

/* A notice whose bytes have changed is not sent with what they say now. */
static void test_changed_notice(void **state)
{
	struct job job = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct job notice = make_job(EVENT(1), EVENT(1) "/notify:a:web", 10);
	struct notice made = {.id = xstrdup(notice.id)};
	struct notice_list list = {0};
	struct queue_store_change c = {.id = job.id, .state = QUEUE_DONE,
		.now = 2000, .notices = &list};
	struct queue_store *s;
	struct seen seen;
	struct err err;
	struct db *db;
	size_t n = 0;

	(void)state;
	notice.notice = "{}";
	s = store_start(&seen);
	arrive(s, &job, NULL, &seen);
	assert_int_equal(field_pack(&job_table, &notice, &made.payload, &err),
		0);
	VEC_PUSH(&list.list, made);
	queue_store_change(s, &c, on_change, &seen);
	wait_for(&seen, 2);
	store_end(s, &seen);
	db = db_open(path, &queue_schema, false, &err);
	assert_non_null(db);
	assert_int_equal(db_exec(db, "UPDATE notices SET payload = "
		"cast(replace(payload, 'shop/', 'show/') AS blob)", &err), 0);
	db_close(db);
	s = store_start(&seen);
	assert_int_equal(queue_read_notices(queue_store_reader(s), 0, 10,
				 count_notice, &n, &err), 0);
	assert_int_equal(n, 0);
	store_end(s, &seen);
}

static void test_rows_wait_for_the_logger(void **state)
{
	struct job job = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct record refused;
	struct queue_store *s;
	struct seen seen;
	struct rows rows;
	int64_t last;

	(void)state;
	s = store_start(&seen);
	row_init(&refused, &job, NULL, 0, "refused", 1000);
	refused.final = true;
	arrive(s, &job, &refused, &seen);
	wait_for(&seen, 1);
	store_end(s, &seen);

	s = store_start(&seen);
	assert_int_equal(replay(s).n, 0);
	/* A refused push is no target's newest. */
	assert_int_equal(replay(s).newest, 0);
	rows = read_rows(s);
	assert_int_equal(rows.ids.n, 1);
	last = rows.last;
	queue_store_row_done(s, rows.ids.v[0]);
	rows_release(&rows);
	/* Comes again: known, and no second row. */
	row_init(&refused, &job, NULL, 0, "refused", 1000);
	arrive(s, &job, &refused, &seen);
	wait_for(&seen, 1);
	assert_true(seen.known[0]);
	rows = read_rows(s);
	assert_int_equal(rows.ids.n, 0);
	rows_release(&rows);
	/* A new row never gets an old number. */
	job.id = EVENT(2) "/web";
	job.event.id = EVENT(2);
	arrive(s, &job, NULL, &seen);
	change(s, &job, QUEUE_DONE, "deployed", &seen);
	wait_for(&seen, 2);
	rows = read_rows(s);
	assert_int_equal(rows.ids.n, 1);
	assert_true(rows.last > last);
	rows_release(&rows);
	store_end(s, &seen);
}

static void test_prune(void **state)
{
	struct job a = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct job b = make_job(EVENT(2), EVENT(2) "/web", 20);
	struct queue_store *s;
	struct seen seen;

	(void)state;
	s = store_start(&seen);
	arrive(s, &a, NULL, &seen);
	arrive(s, &b, NULL, &seen);
	change(s, &a, QUEUE_DONE, "deployed", &seen);
	wait_for(&seen, 3);
	queue_store_prune(s, 2000, 2000);
	arrive(s, &a, NULL, &seen);
	wait_for(&seen, 1);
	assert_true(seen.known[2]);
	/* Open ones are never forgotten, the newest push neither. */
	queue_store_prune(s, 2001, 2001);
	arrive(s, &a, NULL, &seen);
	arrive(s, &b, NULL, &seen);
	wait_for(&seen, 2);
	assert_false(seen.known[3]);
	assert_true(seen.known[4]);
	assert_int_equal(replay(s).newest, 20);
	store_end(s, &seen);
}

/* A second writer would believe that the queue is its own. */
static void test_one_owner(void **state)
{
	struct queue_store *s, *second;
	struct seen seen;
	struct err err;

	(void)state;
	s = store_start(&seen);
	second = queue_store_open(seen.loop, path, on_trouble, &seen, &err);
	assert_null(second);
	assert_non_null(strstr(err.text, "queue.db"));
	store_end(s, &seen);
}

/* No file may grow: every write fails until that is lifted. */
static void disk_full(bool full)
{
	struct rlimit limit;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = full ? 0 : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* What was done cannot be taken back: its row waits for the disk. What only
 * arrives is told as failed: its sender still has it. */
static void test_disk_full(void **state)
{
	struct job a = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct job b = make_job(EVENT(2), EVENT(2) "/web", 20);
	struct queue_store *s;
	struct seen seen;
	struct rows rows;

	(void)state;
	s = store_start(&seen);
	arrive(s, &a, NULL, &seen);
	wait_for(&seen, 1);
	disk_full(true);
	change(s, &a, QUEUE_DONE, "deployed", &seen);
	arrive(s, &b, NULL, &seen);
	wait_for(&seen, 1);
	disk_full(false);
	assert_true(seen.failed[1]);
	assert_int_equal(seen.changes, 0);
	assert_true(seen.troubles > 0);
	assert_int_equal(seen.recoveries, 0);
	wait_for(&seen, 1);
	assert_int_equal(seen.changes, 1);
	assert_int_equal(seen.recoveries, 1);
	rows = read_rows(s);
	assert_int_equal(rows.final, 1);
	rows_release(&rows);
	assert_int_equal(replay(s).n, 0);
	store_end(s, &seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_final_row),
		TEST(test_notices_come_with_the_end),
		TEST(test_changed_notice),
		TEST(test_rows_wait_for_the_logger),
		TEST(test_prune),
		TEST(test_one_owner),
		TEST(test_disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
