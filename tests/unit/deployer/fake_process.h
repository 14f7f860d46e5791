/*
 * What a deployer in a test's process has around it: an engine that the test
 * scripts, the daemon, a logger's outbox and a matcher's channel. It defines
 * the functions that it stands in for: include once, by fake_world.h.
 */
#ifndef TESTS_UNIT_DEPLOYER_FAKE_PROCESS_H
#define TESTS_UNIT_DEPLOYER_FAKE_PROCESS_H

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

/* ---- the engine ---------------------------------------------------------- */

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

/* ---- the process around it ----------------------------------------------- */

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

/* ---- a logger ------------------------------------------------------------ */

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

/* ---- a matcher ----------------------------------------------------------- */

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

#endif
