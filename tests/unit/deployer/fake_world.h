/*
 * A deployer in a test's process, without links: jobs are handed to intake as
 * a matcher's link would, rows are taken as a logger would, and the engine is
 * a driver that the test scripts. Everything between them is the real thing.
 * Include once, in a test program.
 */
#ifndef TESTS_UNIT_DEPLOYER_FAKE_WORLD_H
#define TESTS_UNIT_DEPLOYER_FAKE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "deployer/deployer.h"
#include "deployer/driver.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"
#include "proto/daemon/chan.h"

/* ---- the engine ---------------------------------------------------------------- */

static struct {
	atomic_bool alive;
	atomic_bool block; /* deploys wait, until it is false or cancelled */
	atomic_int checks, recoveries, deploys, under_way, most;
	struct driver_result script[8]; /* of the deploys, then `deployed` */
	/* recover() reports this of every journalled job, if status is set */
	const struct driver_result *recovered;
	const char *note; /* journalled by each deploy */
} fake;

static bool fake_serves(const struct conf_engine *engine)
{
	return engine->docker != NULL;
}

static int fake_check(const struct conf_engine *engine, struct err *err)
{
	fake.checks++;
	return fake.alive ? 0 : err_retry(err, "cannot connect to %s",
						engine->docker);
}

static int fake_journalled(void *ctx, const char *job, const char *json)
{
	struct driver_recovery *rec = ctx;
	struct err err;

	(void)json;
	if (fake.recovered)
		return rec->report(rec, job, fake.recovered);
	return rec->journal->del(rec->journal, job, &err);
}

static int fake_recover(struct driver_recovery *rec, struct err *err)
{
	if (fake.under_way)
		fail_msg("recovery met a deploy");
	fake.recoveries++;
	return rec->journal->each(rec->journal, rec->engine->name,
		fake_journalled, rec, err);
}

static void fake_deploy(struct driver_run *run, struct driver_result *result)
{
	int n = fake.deploys++, now = ++fake.under_way;
	struct err err;

	if (now > fake.most)
		fake.most = now;
	run->progress(run, "pulling");
	driver_phase(run, "pull", 3);
	if (fake.note)
		assert_int_equal(run->journal->put(run->journal, run->job->id,
					 fake.note, &err), 0);
	while (fake.block && !driver_cancelled(run))
		clock_sleep(2);
	if (fake.block && driver_cancelled(run))
		driver_result_set(result, DRIVER_CANCELLED, "told to end");
	else if (n < (int)ARRAY_LEN(fake.script) && fake.script[n].reason[0])
		*result = fake.script[n];
	else
		driver_result_set(result, DRIVER_DEPLOYED, "%s is deployed",
			run->job->event.tag);
	fake.under_way--;
}

static const struct driver fake_driver = {
	.name = "fake",
	.serves = fake_serves,
	.check = fake_check,
	.recover = fake_recover,
	.deploy = fake_deploy,
};

const struct driver *driver_for(const struct conf_engine *engine)
{
	return fake_driver.serves(engine) ? &fake_driver : NULL;
}

static UNUSED void script(int i, enum driver_status status, enum err_class cls,
	const char *reason)
{
	driver_result_set(&fake.script[i], status, "%s", reason);
	fake.script[i].cls = cls;
}

/* ---- the process around it --------------------------------------------------------- */

struct seen_row {
	char *id, *event, *status, *reason, *request, *response, *duration_ms;
	bool final;
	int64_t attempt, attempts, next_attempt;
};

static struct {
	char dir[64];
	struct loop *loop;
	struct conf *conf;
	struct deployer *d;
	char not_ready[1024]; /* the newest sentence; "" when ready */
	bool drained;
	/* the logger */
	VEC(struct seen_row) rows;
	void (*order)(void *ctx, const struct chan_asker *from,
		const struct msg_order *order);
	void *order_ctx;
	struct msg_answer answer; /* the newest; texts are owned */
	int answers;
	/* the matcher */
	const struct chan_ops *ops;
	void *ops_ctx;
	int acks, nacks;
	bool paused;
} world;

struct loop *daemon_loop(struct daemon *d)
{
	(void)d;
	return world.loop;
}

const char *daemon_instance(const struct daemon *d)
{
	(void)d;
	return "deployer@test";
}

void daemon_drained(struct daemon *d)
{
	(void)d;
	world.drained = true;
}

void daemon_not_ready(struct daemon *d, const char *what, const char *fmt, ...)
{
	va_list ap;

	(void)d;
	(void)what;
	va_start(ap, fmt);
	vsnprintf(world.not_ready, sizeof(world.not_ready), fmt, ap);
	va_end(ap);
}

void daemon_ready(struct daemon *d, const char *what)
{
	(void)d;
	(void)what;
	world.not_ready[0] = '\0';
}

void daemon_metric(struct daemon *d, const char *name, int64_t value)
{
	(void)d;
	(void)name;
	(void)value;
}

void daemon_on_status(struct daemon *d,
	void (*fn)(void *ctx, const struct msg_status *status), void *ctx)
{
	(void)d;
	(void)fn;
	(void)ctx;
}

/* ---- a logger ------------------------------------------------------------------------ */

struct outbox_ack {
	void (*acked)(void *ctx, const char *record_id);
	void *ctx;
	char *id;
};

static void outbox_ack_later(void *ctx)
{
	struct outbox_ack *a = ctx;

	a->acked(a->ctx, a->id);
	free(a->id);
	free(a);
}

struct outbox *outbox_open(struct loop *l, const struct outbox_config *c,
	struct err *err)
{
	(void)err;
	world.order = c->order;
	world.order_ctx = c->ctx;
	return (struct outbox *)l;
}

void outbox_answer(struct outbox *o, const struct chan_asker *to,
	struct msg_answer *a)
{
	(void)o;
	field_release(&answer_table, &world.answer);
	field_copy(&answer_table, &world.answer, a);
	world.answer.id = to->id;
	world.answers++;
}

void outbox_close(struct outbox *o)
{
	(void)o;
}

void outbox_status(struct outbox *o, const struct msg_status *s)
{
	(void)o;
	(void)s;
}

void outbox_forget(struct outbox *o, void *ctx)
{
	(void)o;
	(void)ctx;
}

void outbox_put(struct outbox *o, struct record *r,
	void (*acked)(void *ctx, const char *record_id), void *ctx)
{
	struct outbox_ack *a = xcalloc(1, sizeof(*a));
	struct seen_row row = {
		.id = xstrdup(r->id),
		.event = xstrdup(r->event),
		.status = xstrdup(r->status),
		.reason = xstrdup_null(r->reason),
		.request = xstrdup_null(r->request),
		.response = xstrdup_null(r->response),
		.duration_ms = xstrdup_null(r->duration_ms),
		.final = r->final,
		.attempt = r->attempt,
		.attempts = r->attempts,
		.next_attempt = r->next_attempt,
	};
	bool known = false;

	for (size_t i = 0; i < world.rows.n; i++)
		known |= strcmp(world.rows.v[i].id, r->id) == 0;
	assert_false(known); /* none of these tests loses an acknowledgement */
	VEC_PUSH(&world.rows, row);
	a->acked = acked;
	a->ctx = ctx;
	a->id = xstrdup(r->id);
	field_release(&record_table, r);
	loop_post((struct loop *)o, outbox_ack_later, a);
}

/* ---- a matcher -------------------------------------------------------------------------- */

struct chan *chan_open(struct loop *l, const struct chan_config *c,
	const struct chan_ops *ops, void *ctx, struct err *err)
{
	(void)err;
	/* Who takes notices is never there. */
	if (c->sends)
		return (struct chan *)&world;
	assert_string_equal(c->expect_role, "matcher");
	world.ops = ops;
	world.ops_ctx = ctx;
	return (struct chan *)l;
}

void chan_close(struct chan *c)
{
	(void)c;
}

void chan_put(struct chan *c, struct chan_item *item)
{
	(void)item;
	if ((void *)c != (void *)&world)
		fail_msg("this deployer serves http: it has nobody to send to");
}

void chan_ack(struct chan *c, const struct chan_from *from)
{
	(void)c;
	(void)from;
	world.acks++;
}

void chan_nack(struct chan *c, const struct chan_from *from, int64_t delay_ms,
	const char *reason)
{
	(void)c;
	(void)from;
	assert_true(delay_ms > 0);
	assert_non_null(reason);
	world.nacks++;
}

void chan_send_triggers(struct chan *c, uint64_t peer,
	const struct msg_triggers *t)
{
	(void)c;
	(void)peer;
	(void)t;
}

void chan_pause(struct chan *c, bool paused)
{
	(void)c;
	world.paused = paused;
}

/* ---- verbs ---------------------------------------------------------------------------------- */

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

/* ---- a test's frame ------------------------------------------------------------------------ */

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
