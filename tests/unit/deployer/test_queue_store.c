#include "deployer/queue/queue_store.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "deployer/queue/queue_read.h"
#include "deployer/row.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define EVENT(n) "01890000-0000-7000-8000-00000000000" #n

static char dir[64], path[96];

struct seen {
	struct loop *loop;
	size_t expected; /* stop the loop after so many */
	size_t n;
	bool known[8], failed[8];
	size_t changes;
	size_t troubles, recoveries;
};

static void on_trouble(void *ctx, const struct err *err)
{
	struct seen *seen = ctx;

	if (err)
		seen->troubles++;
	else
		seen->recoveries++;
}

static void count_down(struct seen *seen)
{
	if (--seen->expected == 0)
		loop_stop(seen->loop);
}

static void on_arrival(void *ctx, bool known, const struct err *err)
{
	struct seen *seen = ctx;

	seen->known[seen->n] = known;
	seen->failed[seen->n++] = err != NULL;
	count_down(seen);
}

static void on_change(void *ctx)
{
	((struct seen *)ctx)->changes++;
	count_down(ctx);
}

static void wait_for(struct seen *seen, size_t n)
{
	seen->expected = n;
	loop_run(seen->loop);
}

/* A store on the test's file, with a loop of its own: a process. */
static struct queue_store *store_start(struct seen *seen)
{
	struct err err;
	struct queue_store *s;

	memset(seen, 0, sizeof(*seen));
	seen->loop = loop_new();
	s = queue_store_open(seen->loop, path, on_trouble, seen, &err);
	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static void store_end(struct queue_store *s, struct seen *seen)
{
	queue_store_close(s);
	loop_free(seen->loop);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_queue_store.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/queue.db", dir);
	return 0;
}

static int teardown(void **state)
{
	static const char *const ends[] = {"", "-wal", "-shm", ".lock"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		char *file = xprintf("%s%s", path, ends[i]);

		unlink(file);
		free(file);
	}
	return rmdir(dir);
}

static struct job make_job(const char *event, const char *id, int64_t time)
{
	return (struct job){
		.id = (char *)(uintptr_t)id,
		.trigger = "web",
		.lane = "local",
		.event = {.id = (char *)(uintptr_t)event, .source = "s",
			.repository = "shop/web", .tag = "v1",
			.time = time},
	};
}

static void arrive(struct queue_store *s, const struct job *job,
	struct record *refused, struct seen *seen)
{
	struct queue_store_arrival a = {.job = job, .target = "local web",
		.coalesce = true, .now = 1000, .refused = refused};

	queue_store_arrive(s, &a, on_arrival, seen);
}

static void change(struct queue_store *s, const struct job *job,
	enum queue_state state, const char *status, struct seen *seen)
{
	struct record row;
	struct queue_store_change c = {.id = job->id, .state = state,
		.attempt = 1, .due = 5000, .now = 2000, .row = &row};

	row_init(&row, job, NULL, 1, status, 2000);
	row.final = state == QUEUE_DONE;
	record_reason(&row, "because");
	queue_store_change(s, &c, on_change, seen);
}

/* ---- what a reader sees ------------------------------------------------------- */

struct rows {
	VEC(char *) ids;
	int64_t last;
	size_t final;
};

static void add_row(void *ctx, int64_t seq, struct record *row)
{
	struct rows *rows = ctx;

	assert_true(seq > rows->last);
	rows->last = seq;
	rows->final += row->final;
	VEC_PUSH(&rows->ids, xstrdup(row->id));
	field_release(&record_table, row);
}

static struct rows read_rows(struct queue_store *s)
{
	struct rows rows = {0};
	struct err err;

	assert_int_equal(queue_read_rows(queue_store_reader(s), 0, 100,
				 add_row, &rows, &err), 0);
	return rows;
}

static void rows_release(struct rows *rows)
{
	for (size_t i = 0; i < rows->ids.n; i++)
		free(rows->ids.v[i]);
	VEC_RELEASE(&rows->ids);
}

struct replay {
	size_t n, held;
	int64_t attempt, due, enqueued, newest;
	char last[128], tag[32];
};

static void add_job(void *ctx, const struct queue_spec *spec,
	const struct job *job, const char *damage)
{
	struct replay *r = ctx;

	assert_null(damage);
	r->n++;
	r->held += spec->held;
	r->attempt = spec->attempt;
	r->due = spec->due;
	r->enqueued = spec->enqueued;
	snprintf(r->last, sizeof(r->last), "%s", job->id);
	assert_string_equal(spec->id, job->id);
	assert_string_equal(spec->target, "local web");
	assert_string_equal(spec->lane, "local");
	assert_true(spec->coalesce);
}

static void add_newest(void *ctx, const struct queue_spec *spec)
{
	struct replay *r = ctx;

	r->newest = spec->time;
	snprintf(r->tag, sizeof(r->tag), "%s", spec->tag);
	assert_string_equal(spec->target, "local web");
}

static struct replay replay(struct queue_store *s)
{
	struct replay r = {0};
	struct err err;

	assert_int_equal(queue_read_newest(queue_store_reader(s), add_newest,
				 &r, &err), 0);
	assert_int_equal(queue_read_open(queue_store_reader(s), add_job, &r,
				 &err), 0);
	return r;
}

/* ---- tests ------------------------------------------------------------------------ */

static void test_known_is_not_taken_twice(void **state)
{
	struct job job = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct queue_store *s;
	struct seen seen;
	struct replay r;

	(void)state;
	s = store_start(&seen);
	arrive(s, &job, NULL, &seen);
	arrive(s, &job, NULL, &seen);
	wait_for(&seen, 2);
	assert_false(seen.known[0]);
	assert_true(seen.known[1]);
	change(s, &job, QUEUE_DONE, "deployed", &seen);
	wait_for(&seen, 1);
	/* Ended, and after a restart: still known. */
	store_end(s, &seen);
	s = store_start(&seen);
	arrive(s, &job, NULL, &seen);
	wait_for(&seen, 1);
	assert_true(seen.known[0]);
	r = replay(s);
	assert_int_equal(r.n, 0);
	assert_int_equal(r.newest, 10);
	store_end(s, &seen);
}

/* Killed right after a person has spoken: the job does not wait as before. */
static void test_a_mark_is_looked_at_by_the_next_process(void **state)
{
	const struct queue_store_marks marks = {.approved = QUEUE_STORE_SET};
	struct job job = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct queue_store *s;
	struct seen seen;

	(void)state;
	s = store_start(&seen);
	arrive(s, &job, NULL, &seen);
	change(s, &job, QUEUE_WAITING, "waiting", &seen);
	wait_for(&seen, 2);
	assert_int_equal(replay(s).due, 5000);
	queue_store_mark(s, job.id, &marks, on_change, NULL, &seen);
	wait_for(&seen, 1);
	store_end(s, &seen);
	s = store_start(&seen);
	assert_int_equal(replay(s).due, 0);
	store_end(s, &seen);
}

static void test_replay(void **state)
{
	struct job a = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct job b = make_job(EVENT(2), EVENT(2) "/web", 30);
	struct job c = make_job(EVENT(3), EVENT(3) "/web", 20);
	struct queue_store *s;
	struct seen seen;
	struct replay r;
	struct job loaded = {0};
	struct err err;

	(void)state;
	b.event.tag = "v3";
	s = store_start(&seen);
	arrive(s, &a, NULL, &seen);
	arrive(s, &b, NULL, &seen);
	arrive(s, &c, NULL, &seen);
	queue_store_running(s, b.id, false);
	change(s, &c, QUEUE_WAITING, "failed", &seen);
	wait_for(&seen, 4);
	store_end(s, &seen);

	s = store_start(&seen);
	r = replay(s);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.held, 1);
	assert_string_equal(r.last, c.id);
	assert_int_equal(r.attempt, 1);
	assert_int_equal(r.due, 5000);
	assert_int_equal(r.enqueued, 1000);
	/* The newest by the event's time, not by arrival. */
	assert_int_equal(r.newest, 30);
	assert_string_equal(r.tag, "v3");
	assert_int_equal(queue_read_job(queue_store_reader(s), b.id, &loaded,
				 &err), 0);
	assert_string_equal(loaded.event.repository, "shop/web");
	field_release(&job_table, &loaded);
	assert_int_equal(queue_read_job(queue_store_reader(s), "none", &loaded,
				 &err), -1);
	store_end(s, &seen);
}

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

/* ---- journal --------------------------------------------------------------------- */

struct walk {
	struct journal *j;
	size_t n;
	char order[16];
};

static int walk_entry(void *ctx, const char *job, const char *json)
{
	struct walk *w = ctx;
	struct err err;

	assert_string_equal(json, "{\"step\":2}");
	w->order[w->n++] = job[UID_LEN - 2];
	/* The walk may change what it walks over. */
	assert_int_equal(w->j->del(w->j, job, &err), 0);
	return 0;
}

static void test_journal(void **state)
{
	struct job a = make_job(EVENT(1), EVENT(1) "/web", 10);
	struct job b = make_job(EVENT(2), EVENT(2) "/web", 20);
	struct queue_store *s;
	struct seen seen;
	struct journal *j;
	struct walk w = {0};
	struct err err;
	char *json;

	(void)state;
	s = store_start(&seen);
	j = queue_store_journal(s);
	assert_int_equal(j->put(j, a.id, "{}", &err), -1);
	assert_int_equal(err.cls, ERR_RETRY);
	arrive(s, &a, NULL, &seen);
	arrive(s, &b, NULL, &seen);
	wait_for(&seen, 2);
	assert_int_equal(j->get(j, a.id, &json, &err), 0);
	assert_null(json);
	assert_int_equal(j->put(j, b.id, "{\"step\":2}", &err), 0);
	assert_int_equal(j->put(j, a.id, "{\"step\":1}", &err), 0);
	assert_int_equal(j->put(j, a.id, "{\"step\":2}", &err), 0);
	store_end(s, &seen);

	s = store_start(&seen);
	j = queue_store_journal(s);
	assert_int_equal(j->get(j, a.id, &json, &err), 0);
	assert_string_equal(json, "{\"step\":2}");
	free(json);
	/* Journalled: not to be touched before recovery. */
	assert_int_equal(replay(s).held, 2);
	w.j = j;
	assert_int_equal(j->each(j, "other", walk_entry, &w, &err), 0);
	assert_int_equal(w.n, 0);
	assert_int_equal(j->each(j, "local", walk_entry, &w, &err), 0);
	assert_string_equal(w.order, "12");
	assert_int_equal(replay(s).held, 0);
	/* The final row takes the entry with it. */
	assert_int_equal(j->put(j, a.id, "{}", &err), 0);
	change(s, &a, QUEUE_DONE, "deployed", &seen);
	wait_for(&seen, 1);
	assert_int_equal(j->get(j, a.id, &json, &err), 0);
	assert_null(json);
	store_end(s, &seen);
}

static bool arrives_known(struct queue_store *s, struct job *job,
	int64_t again, struct seen *seen)
{
	size_t n = seen->n = 0;

	job->event.again = again;
	arrive(s, job, NULL, seen);
	wait_for(seen, 1);
	return seen->known[n];
}

static void ends(struct queue_store *s, const struct job *job,
	const char *status, struct seen *seen)
{
	change(s, job, QUEUE_DONE, status, seen);
	wait_for(seen, 1);
}

/* Sent again by its sender: what failed waits again, once for each time that
 * it is sent, and nothing else does. */
static void test_sent_again(void **state)
{
	struct seen seen;
	struct queue_store *s = store_start(&seen);
	struct job job = make_job(EVENT(1), EVENT(1) "/web", 10);
	int64_t attempt = 0, base = 0;
	struct replay r;
	struct err err;

	(void)state;
	assert_false(arrives_known(s, &job, 0, &seen));
	assert_true(arrives_known(s, &job, 1, &seen)); /* it is open */
	ends(s, &job, "rolled_back", &seen);
	assert_true(arrives_known(s, &job, 0, &seen));
	assert_false(arrives_known(s, &job, 2, &seen));
	assert_int_equal(queue_read_tries(queue_store_reader(s), job.id,
		&attempt, &base, &err), 0);
	assert_int_equal(attempt, 1);
	assert_int_equal(base, 1);
	ends(s, &job, "failed", &seen);
	assert_true(arrives_known(s, &job, 2, &seen)); /* by a lost lease */
	assert_true(arrives_known(s, &job, 1, &seen));
	assert_false(arrives_known(s, &job, 3, &seen));
	store_end(s, &seen);
	s = store_start(&seen);
	r = replay(s);
	assert_int_equal(r.n, 1);
	assert_string_equal(r.last, job.id);
	ends(s, &job, "deployed", &seen);
	assert_true(arrives_known(s, &job, 4, &seen));
	store_end(s, &seen);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_known_is_not_taken_twice),
		TEST(test_a_mark_is_looked_at_by_the_next_process),
		TEST(test_replay),
		TEST(test_one_final_row),
		TEST(test_notices_come_with_the_end),
		TEST(test_rows_wait_for_the_logger),
		TEST(test_prune),
		TEST(test_one_owner),
		TEST(test_disk_full),
		TEST(test_journal),
		TEST(test_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
