/* What a job is to the next process, and when it comes again: replay, journal. */
#include "tests/unit/deployer/queue_store_rig.h"

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

/* ---- journal ------------------------------------------------------------- */

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
	const struct CMUnitTest tests[] = {
		TEST(test_known_is_not_taken_twice),
		TEST(test_a_mark_is_looked_at_by_the_next_process),
		TEST(test_replay),
		TEST(test_journal),
		TEST(test_sent_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
