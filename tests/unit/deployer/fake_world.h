/*
 * A deployer in a test's process, without links: jobs are handed to intake as
 * a matcher's link would, rows are taken as a logger would, and the engine is
 * a driver that the test scripts. Everything between them is the real thing.
 * Include once, in a test program.
 */
#ifndef TESTS_UNIT_DEPLOYER_FAKE_WORLD_H
#define TESTS_UNIT_DEPLOYER_FAKE_WORLD_H

#include "tests/unit/deployer/fake_process.h"

/* ---- verbs --------------------------------------------------------------- */

#define EVENT(n) "01890000-0000-7000-8000-0000000000" #n

static struct {
	bool (*holds)(void);
	int64_t until;
} waiting;

static void wait_tick(void *ctx)
{
	(void)ctx;
	if (waiting.holds() || clock_mono() > waiting.until)
		loop_stop(world.loop);
}

/* Runs the loop until it holds; fails after a minute. */
static void run_until(bool (*holds)(void))
{
	struct loop_timer *t;

	waiting.holds = holds;
	waiting.until = clock_mono() + 60000;
	t = loop_timer_start(world.loop, 0, 2, wait_tick, NULL);
	loop_run(world.loop);
	loop_timer_cancel(&t);
	if (holds())
		return;
	for (size_t i = 0; i < world.rows.n; i++)
		print_message("row %s %s\n", world.rows.v[i].id,
			world.rows.v[i].reason);
	fail_msg("waited for nothing");
}

static int64_t run_for_until;

static bool time_is_over(void)
{
	return clock_mono() >= run_for_until;
}

static void run_for(int64_t ms)
{
	run_for_until = clock_mono() + ms;
	run_until(time_is_over);
}

static int64_t deliver_hops; /* of the events that follow */

static int64_t deliver_again; /* how often they were sent before */

/* The version that jobs tell; or NULL. */
static const char *deliver_version;

static UNUSED void deliver(const char *event, const char *trigger, const char *lane,
	const char *tag, int64_t time)
{
	struct chan_from from = {1, 1};
	char id[UID_JOB_MAX];
	struct msg msg = {.type = MSG_JOB, .lease = 1};

	msg.u.job = (struct job){
		.id = uid_job(event, trigger, id),
		.trigger = (char *)(uintptr_t)trigger,
		.lane = (char *)(uintptr_t)lane,
		.version = (char *)(uintptr_t)deliver_version,
		.event = {
			.id = (char *)(uintptr_t)event,
			.source = "s",
			.repository = "shop/web",
			.tag = (char *)(uintptr_t)tag,
			.time = time,
			.hops = deliver_hops,
			.again = deliver_again,
		},
	};
	world.ops->deliver(world.ops_ctx, &from, &msg);
}

/* As a logger's link would; the answer is in world.answer, now or soon. */
static UNUSED void order(const char *what, const char *args)
{
	static int64_t last;
	const struct chan_asker from = {.peer = 1, .id = ++last};
	const struct msg_order m = {.id = last,
		.what = (char *)(uintptr_t)what,
		.args = (char *)(uintptr_t)args, .who = "ann"};

	world.order(world.order_ctx, &from, &m);
}

static UNUSED size_t rows_of(const char *status)
{
	size_t n = 0;

	for (size_t i = 0; i < world.rows.n; i++)
		n += strcmp(world.rows.v[i].status, status) == 0;
	return n;
}

static UNUSED const struct seen_row *row_of(const char *event, const char *status)
{
	for (size_t i = 0; i < world.rows.n; i++)
		if (strcmp(world.rows.v[i].event, event) == 0 &&
			strcmp(world.rows.v[i].status, status) == 0)
			return &world.rows.v[i];
	fail_msg("no row %s of %s", status, event);
	return NULL;
}

static UNUSED size_t finals(void)
{
	size_t n = 0;

	for (size_t i = 0; i < world.rows.n; i++)
		n += world.rows.v[i].final;
	return n;
}

static UNUSED void start_process(void)
{
	struct err err = {0};

	world.loop = loop_new();
	world.drained = false;
	world.d = deployer_start(NULL, world.conf, &err);
	if (!world.d)
		fail_msg("%s", err.text);
}

static bool is_drained(void)
{
	return world.drained;
}

/* As SIGTERM does. */
static UNUSED void stop_process(void)
{
	deployer_drain(world.d);
	run_until(is_drained);
	run_for(20); /* acknowledgements on their way */
	deployer_stop(world.d);
	world.d = NULL;
	loop_free(world.loop);
}

/* ---- a test's frame ------------------------------------------------------ */

/* The configuration of the test; @ is the test's folder. The jobs' source is
 * one that proves what it says, unless the test has sources. */
static UNUSED void configure(const char *text)
{
	char *path = xprintf("%s/pullwire.yml", world.dir);
	struct opt_errors errs = {0};
	bool sources = strstr(text, "sources:") != NULL;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (; *text; text++)
		if (*text == '@')
			fputs(world.dir, f);
		else
			fputc(*text, f);
	if (!sources)
		fputs("sources: [{name: s, type: generic, auth: {bearer: "
			"c2VjcmV0LXNlY3JldC1zZWNyZXQ}}]\n", f);
	fclose(f);
	conf_free(world.conf);
	world.conf = conf_load(path, &errs);
	if (!world.conf)
		fail_msg("%s", errs.list.v[0]);
	free(path);
}

static UNUSED int world_setup(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	memset(&world, 0, sizeof(world));
	fake.alive = true;
	snprintf(world.dir, sizeof(world.dir), "/tmp/test_deployer.XXXXXX");
	return mkdtemp(world.dir) ? 0 : -1;
}

static void row_free(struct seen_row *row)
{
	free(row->id);
	free(row->event);
	free(row->status);
	free(row->reason);
	free(row->request);
	free(row->response);
	free(row->duration_ms);
}

static UNUSED int world_teardown(void **state)
{
	static const char *const files[] = {"pullwire.yml", "queue.db",
		"queue.db-wal", "queue.db-shm", "queue.db.lock", "arriving"};
	char *orders = xprintf("%s/orders", world.dir);

	(void)state;
	for (size_t i = 0; i < world.rows.n; i++)
		row_free(&world.rows.v[i]);
	VEC_RELEASE(&world.rows);
	field_release(&answer_table, &world.answer);
	conf_free(world.conf);
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		char *path = xprintf("%s/%s", world.dir, files[i]);

		unlink(path);
		free(path);
	}
	rmdir(orders);
	free(orders);
	return rmdir(world.dir);
}

#endif
