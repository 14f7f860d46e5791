/*
 * What the tests of the queue's store share: a store in a folder of its own,
 * jobs that arrive and change there, what a reader and the next process see.
 */
#ifndef TESTS_UNIT_DEPLOYER_QUEUE_STORE_RIG_H
#define TESTS_UNIT_DEPLOYER_QUEUE_STORE_RIG_H

#include "deployer/queue/queue_store.h"

#include <setjmp.h>
#include <stdarg.h>
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

static inline void on_trouble(void *ctx, const struct err *err)
{
	struct seen *seen = ctx;

	if (err)
		seen->troubles++;
	else
		seen->recoveries++;
}

static inline void count_down(struct seen *seen)
{
	if (--seen->expected == 0)
		loop_stop(seen->loop);
}

static inline void on_arrival(void *ctx, bool known, const struct err *err)
{
	struct seen *seen = ctx;

	seen->known[seen->n] = known;
	seen->failed[seen->n++] = err != NULL;
	count_down(seen);
}

static inline void on_change(void *ctx)
{
	((struct seen *)ctx)->changes++;
	count_down(ctx);
}

static inline void wait_for(struct seen *seen, size_t n)
{
	seen->expected = n;
	loop_run(seen->loop);
}

/* A store on the test's file, with a loop of its own: a process. */
static inline struct queue_store *store_start(struct seen *seen)
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

static inline void store_end(struct queue_store *s, struct seen *seen)
{
	queue_store_close(s);
	loop_free(seen->loop);
}

static inline int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/test_queue_store.XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/queue.db", dir);
	return 0;
}

static inline int teardown(void **state)
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

static inline struct job make_job(
	const char *event, const char *id, int64_t time)
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

/* ---- what a reader sees -------------------------------------------------- */

struct rows {
	VEC(char *) ids;
	int64_t last;
	size_t final;
};

static inline void add_row(void *ctx, int64_t seq, struct record *row)
{
	struct rows *rows = ctx;

	assert_true(seq > rows->last);
	rows->last = seq;
	rows->final += row->final;
	VEC_PUSH(&rows->ids, xstrdup(row->id));
	field_release(&record_table, row);
}

static inline struct rows read_rows(struct queue_store *s)
{
	struct rows rows = {0};
	struct err err;

	assert_int_equal(queue_read_rows(queue_store_reader(s), 0, 100,
				 add_row, &rows, &err), 0);
	return rows;
}

static inline void rows_release(struct rows *rows)
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

static inline void add_newest(void *ctx, const struct queue_spec *spec)
{
	struct replay *r = ctx;

	r->newest = spec->time;
	snprintf(r->tag, sizeof(r->tag), "%s", spec->tag);
	assert_string_equal(spec->target, "local web");
}

static inline struct replay replay(struct queue_store *s)
{
	struct replay r = {0};
	struct err err;

	assert_int_equal(queue_read_newest(queue_store_reader(s), add_newest,
				 &r, &err), 0);
	assert_int_equal(queue_read_open(queue_store_reader(s), add_job, &r,
				 &err), 0);
	return r;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
