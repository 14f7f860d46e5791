/* The queue under random operations, beside a model of it. */
#include "tests/unit/deployer/queue_rig.h"

#include "proto/base/mem.h"

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
		cmocka_unit_test(test_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
