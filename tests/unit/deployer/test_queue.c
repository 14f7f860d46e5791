#include "deployer/queue/queue.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static const struct queue_limits limits = {.coalescing = 2, .others = 3};

static struct queue *queue_make(void)
{
	struct queue *q = queue_new(&limits);

	queue_open(q, "http", true);
	queue_open(q, "local", true);
	return q;
}

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

static void end(struct queue *q, struct queue_job *job)
{
	queue_end(q, job);
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

/* ---- against a model ---------------------------------------------------------- */

#define TARGETS 6 /* the even ones coalesce */
#define JOBS 400

struct model {
	enum { ABSENT, WAITING, RUNNING, HELD, ENDED } state;
	size_t target;
	int64_t time, due;
	bool superseded;
	struct queue_job *job; /* RUNNING */
};

struct world {
	struct queue *q;
	struct model jobs[JOBS];
	size_t n;
	bool open[2]; /* [coalesce] */
	int64_t now;
	uint32_t seed;
	int64_t newest[TARGETS];
};

static uint32_t draw(struct world *w, uint32_t n)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 17;
	w->seed ^= w->seed << 5;
	return w->seed % n;
}

static size_t number(const struct queue_job *job)
{
	return (size_t)strtoul(job->id, NULL, 10);
}

/* Exactly the waiting ones that are older than their target's newest. */
static void take_ended(struct world *w, struct list *ended)
{
	struct list *node;

	while ((node = list_pop_front(ended))) {
		struct queue_job *job =
			CONTAINER_OF(node, struct queue_job, node);
		struct model *m = &w->jobs[number(job)];

		assert_int_equal(m->state, WAITING);
		assert_int_equal(m->target % 2, 0);
		assert_true(m->time < w->newest[m->target]);
		m->state = ENDED;
		m->superseded = true;
		queue_job_free(job);
	}
	for (size_t i = 0; i < w->n; i++)
		assert_false(w->jobs[i].state == WAITING &&
			w->jobs[i].target % 2 == 0 &&
			w->jobs[i].time < w->newest[w->jobs[i].target]);
}

static void step_add(struct world *w)
{
	struct model *m = &w->jobs[w->n];
	char id[24], event[24], target[24];
	struct queue_spec spec = {.id = id, .event = event, .target = target,
		.tag = "v"};
	struct list ended;

	list_init(&ended);
	m->target = draw(w, TARGETS);
	/* The event's text is constant, so that the time alone orders. */
	m->time = (int64_t)draw(w, 500) + w->now / 10;
	m->due = draw(w, 3) ? 0 : w->now + draw(w, 300);
	snprintf(id, sizeof(id), "%zu", w->n++);
	snprintf(event, sizeof(event), "e");
	snprintf(target, sizeof(target), "t%zu", m->target);
	spec.coalesce = m->target % 2 == 0;
	spec.lane = spec.coalesce ? "local" : "http";
	spec.time = m->time;
	spec.due = m->due;
	spec.held = draw(w, 8) == 0;
	m->state = spec.held ? HELD : WAITING;
	if (m->time > w->newest[m->target])
		w->newest[m->target] = m->time;
	queue_add(w->q, &spec, &ended);
	take_ended(w, &ended);
}

/* The model's answer: may this job run now? */
static bool could_run(const struct world *w, const struct model *m)
{
	size_t running[2] = {0}, coalesce = m->target % 2 == 0;

	for (size_t i = 0; i < w->n; i++) {
		if (w->jobs[i].state != RUNNING)
			continue;
		if (w->jobs[i].target == m->target)
			return false;
		running[w->jobs[i].target % 2 == 0]++;
	}
	return m->state == WAITING && m->due <= w->now && w->open[coalesce] &&
		running[coalesce] <
		(coalesce ? limits.coalescing : limits.others);
}

static void step_next(struct world *w)
{
	struct queue_job *job = queue_next(w->q, w->now);
	struct model *m;

	if (!job) {
		for (size_t i = 0; i < w->n; i++)
			assert_false(could_run(w, &w->jobs[i]));
		return;
	}
	m = &w->jobs[number(job)];
	assert_true(could_run(w, m));
	/* The oldest of those of its target that are due. */
	for (size_t i = 0; i < number(job); i++)
		assert_false(w->jobs[i].state == WAITING &&
			w->jobs[i].target == m->target &&
			w->jobs[i].due <= w->now);
	m->state = RUNNING;
	m->job = job;
}

static void step_end(struct world *w, bool retry)
{
	struct list ended;
	size_t i = draw(w, (uint32_t)w->n);
	struct model *m = &w->jobs[i];

	list_init(&ended);
	while (i < w->n && w->jobs[i].state != RUNNING)
		i++;
	if (i == w->n)
		return;
	m = &w->jobs[i];
	if (retry) {
		m->state = WAITING;
		m->due = w->now + draw(w, 500);
		queue_retry(w->q, m->job, m->due, w->now, &ended);
		take_ended(w, &ended);
		return;
	}
	m->state = ENDED;
	end(w->q, m->job);
}

static void step_held(struct world *w)
{
	struct list ended;
	char id[24];

	list_init(&ended);
	for (size_t i = 0; i < w->n; i++) {
		struct queue_job *job;

		if (w->jobs[i].state != HELD)
			continue;
		snprintf(id, sizeof(id), "%zu", i);
		job = queue_find(w->q, id);
		assert_non_null(job);
		if (draw(w, 2)) {
			w->jobs[i].state = ENDED;
			end(w->q, job);
		} else {
			w->jobs[i].state = WAITING;
			queue_release(w->q, job, &ended);
			take_ended(w, &ended);
		}
		return;
	}
}

static void step(struct world *w)
{
	w->now += draw(w, 20);
	switch (draw(w, 8)) {
	case 0: case 1: case 2:
		if (w->n < JOBS)
			step_add(w);
		break;
	case 3: case 4:
		step_next(w);
		break;
	case 5:
		if (w->n)
			step_end(w, draw(w, 2));
		break;
	case 6:
		step_held(w);
		break;
	default:
		w->open[0] = draw(w, 4) != 0;
		w->open[1] = draw(w, 4) != 0;
		queue_open(w->q, "http", w->open[0]);
		queue_open(w->q, "local", w->open[1]);
	}
}

static void drain(struct world *w)
{
	w->open[0] = w->open[1] = true;
	queue_open(w->q, "http", true);
	queue_open(w->q, "local", true);
	for (size_t i = 0; queue_len(w->q); i++) {
		assert_true(i < 20 * JOBS);
		w->now += 100;
		step_held(w);
		step_next(w);
		step_end(w, false);
	}
}

static void test_model(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct world *w = xcalloc(1, sizeof(*w));
		size_t superseded = 0;

		w->seed = seed * 2654435761u;
		w->q = queue_make();
		w->open[0] = w->open[1] = true;
		for (int i = 0; i < 2500; i++) {
			size_t open = 0;

			step(w);
			for (size_t j = 0; j < w->n; j++)
				open += w->jobs[j].state != ENDED;
			assert_int_equal(queue_len(w->q), open);
		}
		drain(w);
		for (size_t i = 0; i < w->n; i++) {
			assert_int_equal(w->jobs[i].state, ENDED);
			superseded += w->jobs[i].superseded;
		}
		assert_true(superseded > 0 && superseded < w->n);
		assert_int_equal(queue_running(w->q), 0);
		assert_int_equal(queue_next_time(w->q), INT64_MAX);
		queue_free(w->q);
		free(w);
	}
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
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
