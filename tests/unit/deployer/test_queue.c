/* The queue case by case; test_queue_model.c does anything at all to it. */
#include "tests/unit/deployer/queue_rig.h"

#include "proto/base/mem.h"

/* A redeploy of the target for the push at this time. */
static void add_deploy(struct queue *q, const char *id, const char *target,
	int64_t time, struct list *ended)
{
	struct queue_spec spec = {.id = id, .event = id, .time = time,
		.target = target, .lane = "local", .coalesce = true,
		.tag = "v"};

	queue_add(q, &spec, ended);
}

static void add_http(struct queue *q, const char *id, const char *target,
	int64_t due)
{
	struct queue_spec spec = {.id = id, .event = id, .due = due,
		.target = target, .lane = "http", .tag = "v"};
	struct list ended;

	list_init(&ended);
	queue_add(q, &spec, &ended);
	assert_true(list_empty(&ended));
}

/* Takes the first of ended; its id must be this one. */
static void assert_ended(struct list *ended, const char *id)
{
	struct list *node = list_pop_front(ended);
	struct queue_job *job;

	assert_non_null(node);
	job = CONTAINER_OF(node, struct queue_job, node);
	assert_string_equal(job->id, id);
	assert_int_equal(job->state, QUEUE_DONE);
	queue_job_free(job);
}

static void assert_next(struct queue *q, int64_t now, const char *id)
{
	struct queue_job *job = queue_next(q, now);

	if (!id) {
		assert_null(job);
		return;
	}
	assert_non_null(job);
	assert_string_equal(job->id, id);
	end(q, job);
}

static void test_newest_wins(void **state)
{
	struct queue *q = queue_make();
	struct list ended;
	struct queue_job *job;

	(void)state;
	list_init(&ended);
	add_deploy(q, "a", "web", 100, &ended);
	assert_true(list_empty(&ended));
	add_deploy(q, "b", "web", 200, &ended);
	assert_ended(&ended, "a");
	add_deploy(q, "late", "web", 150, &ended);
	assert_ended(&ended, "late");
	/* One runs and is not interrupted; only the newest waits behind it. */
	job = queue_next(q, 0);
	assert_string_equal(job->id, "b");
	add_deploy(q, "c", "web", 300, &ended);
	add_deploy(q, "d", "web", 400, &ended);
	assert_ended(&ended, "c");
	assert_true(list_empty(&ended));
	assert_next(q, 0, NULL);
	end(q, job);
	/* Same time: the larger id is the newer. */
	add_deploy(q, "e", "web", 400, &ended);
	assert_ended(&ended, "d");
	assert_next(q, 0, "e");
	/* Nothing waits or runs, and still an older push comes too late. */
	add_deploy(q, "f", "web", 399, &ended);
	assert_ended(&ended, "f");
	assert_int_equal(queue_len(q), 0);
	queue_free(q);
}

static void test_newest_of_earlier_process(void **state)
{
	struct queue *q = queue_make();
	struct list ended;
	struct queue_job *job;

	(void)state;
	list_init(&ended);
	queue_newest(q, "web", "local", 500, "x", "v5");
	add_deploy(q, "a", "web", 499, &ended);
	job = CONTAINER_OF(ended.next, struct queue_job, node);
	assert_string_equal(queue_newest_event(job), "x");
	assert_string_equal(queue_newest_tag(job), "v5");
	assert_ended(&ended, "a");
	/* The newest itself, replayed, is not older than itself. */
	add_deploy(q, "x", "web", 500, &ended);
	assert_true(list_empty(&ended));
	assert_next(q, 0, "x");
	queue_free(q);
}

/* Two triggers with one target and one push: both are done, one by one. */
static void test_same_push_twice(void **state)
{
	struct queue *q = queue_make();
	struct list ended;
	struct queue_job *job;
	struct queue_spec spec = {.event = "e", .time = 1, .target = "web",
		.lane = "local", .coalesce = true, .tag = "v"};

	(void)state;
	list_init(&ended);
	spec.id = "e/one";
	queue_add(q, &spec, &ended);
	spec.id = "e/two";
	queue_add(q, &spec, &ended);
	assert_true(list_empty(&ended));
	job = queue_next(q, 0);
	assert_string_equal(job->id, "e/one");
	assert_next(q, 0, NULL);
	end(q, job);
	assert_next(q, 0, "e/two");
	queue_free(q);
}

static void test_retry_loses_to_newer(void **state)
{
	struct queue *q = queue_make();
	struct list ended;
	struct queue_job *job;

	(void)state;
	list_init(&ended);
	add_deploy(q, "a", "web", 100, &ended);
	job = queue_next(q, 0);
	queue_retry(q, job, 5000, 10, &ended);
	assert_true(list_empty(&ended));
	assert_next(q, 4999, NULL);
	assert_int_equal(queue_next_time(q), 5000);
	job = queue_next(q, 5000);
	assert_string_equal(job->id, "a");
	add_deploy(q, "b", "web", 200, &ended);
	assert_true(list_empty(&ended));
	queue_retry(q, job, 9000, 5000, &ended);
	assert_ended(&ended, "a");
	assert_next(q, 5000, "b");
	queue_free(q);
}

static void test_held(void **state)
{
	struct queue *q = queue_make();
	struct list ended;
	struct queue_spec spec = {.id = "a", .event = "a", .time = 100,
		.target = "web", .lane = "local", .coalesce = true,
		.tag = "v", .held = true};

	(void)state;
	list_init(&ended);
	queue_add(q, &spec, &ended);
	assert_next(q, 0, NULL);
	add_deploy(q, "b", "web", 200, &ended);
	/* How a ended is not known: it is not superseded yet. */
	assert_true(list_empty(&ended));
	assert_ptr_equal(queue_find(q, "a")->target, queue_find(q, "b")->target);
	queue_release(q, queue_find(q, "a"), &ended);
	assert_ended(&ended, "a");
	assert_null(queue_find(q, "a"));
	assert_next(q, 0, "b");
	spec.id = spec.event = "c";
	spec.time = 300;
	queue_add(q, &spec, &ended);
	end(q, queue_find(q, "c"));
	assert_int_equal(queue_len(q), 0);
	queue_free(q);
}

static void test_http_delivers_all(void **state)
{
	struct queue *q = queue_make();
	struct list ended;
	struct queue_job *a, *x, *y;

	(void)state;
	list_init(&ended);
	add_http(q, "a", "http t1", 0);
	add_http(q, "b", "http t1", 0);
	add_http(q, "c", "http t1", 0);
	add_http(q, "x", "http t2", 0);
	add_http(q, "y", "http t3", 0);
	add_http(q, "z", "http t4", 0);
	/* One of each trigger, three in all. */
	a = queue_next(q, 0);
	x = queue_next(q, 0);
	y = queue_next(q, 0);
	assert_string_equal(a->id, "a");
	assert_string_equal(x->id, "x");
	assert_string_equal(y->id, "y");
	assert_next(q, 0, NULL);
	assert_int_equal(queue_running(q), 3);
	/* a in back-off holds neither b nor another trigger. */
	queue_retry(q, a, 5000, 0, &ended);
	assert_true(list_empty(&ended));
	assert_next(q, 0, "z");
	assert_next(q, 0, "b");
	/* Due again it goes before c, which came after it. */
	assert_next(q, 5000, "a");
	assert_next(q, 5000, "c");
	end(q, x);
	end(q, y);
	assert_int_equal(queue_len(q), 0);
	queue_free(q);
}

static void test_lane_closed(void **state)
{
	struct queue *q = queue_make();
	struct list ended;

	(void)state;
	list_init(&ended);
	queue_open(q, "local", false);
	add_deploy(q, "a", "web", 1, &ended);
	add_http(q, "h", "http t", 0);
	assert_next(q, 0, "h");
	assert_next(q, 0, NULL);
	queue_open(q, "local", true);
	assert_next(q, 0, "a");
	queue_free(q);
}

static void count(void *ctx, struct queue_job *job)
{
	(void)job;
	++*(size_t *)ctx;
}

static void test_each(void **state)
{
	struct queue *q = queue_make();
	struct list ended;
	size_t n = 0;

	(void)state;
	list_init(&ended);
	add_deploy(q, "a", "web", 1, &ended);
	add_deploy(q, "b", "api", 1, &ended);
	add_http(q, "h", "http t", 0);
	assert_non_null(queue_next(q, 0));
	queue_each(q, "local", QUEUE_WAITING, count, &n);
	assert_int_equal(n, 1);
	queue_each(q, "local", QUEUE_RUNNING, count, &n);
	assert_int_equal(n, 2);
	queue_each(q, "local", QUEUE_HELD, count, &n);
	assert_int_equal(n, 2);
	queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_wins),
		cmocka_unit_test(test_newest_of_earlier_process),
		cmocka_unit_test(test_same_push_twice),
		cmocka_unit_test(test_retry_loses_to_newer),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_http_delivers_all),
		cmocka_unit_test(test_lane_closed),
		cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
