/*
 * Dispatch over real channels: matchers on the other end of an ipc link, in
 * the same loop, that take, refuse, hold, vanish and come back. Whatever they
 * do, each event ends done, and none is sent that was done before.
 */
#include "ingress/dispatch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

#define EVENTS 3000

static char dir[64], link_name[96];
static struct loop *loop;
static struct spool *spool;
static struct spool_reader *reader;
static struct dispatch *dispatch;
static unsigned char acked[EVENTS];
static size_t n_acked, n_delivered, n_refused;

void outbox_observe(struct outbox *o, struct record *r)
{
	(void)o;
	fail_msg("an unexpected row: %s", r->reason);
}

/* ---- matchers ---- */

enum habit { ACKS, REFUSES_SOME, HOLDS };

struct matcher {
	struct chan *chan;
	enum habit habit;
	size_t got;
};

static void deliver(void *ctx, const struct chan_from *from,
	const struct msg *msg)
{
	struct matcher *m = ctx;
	int64_t i;

	assert_int_equal(msg->type, MSG_EVENT);
	assert_int_equal(str_to_i64(str_from(msg->u.event.tag), &i), 0);
	assert_in_range(i, 0, EVENTS - 1);
	n_delivered++;
	m->got++;
	if (m->habit == HOLDS)
		return;
	if (m->habit == REFUSES_SOME && m->got % 7 == 0) {
		n_refused++;
		chan_nack(m->chan, from, 20, "not now");
		return;
	}
	/* An ACK may be lost with its session, so an event may come again,
	 * but not once its ACK was taken. */
	n_acked += !acked[i];
	acked[i] = 1;
	chan_ack(m->chan, from);
}

static const struct chan_ops ops = {.deliver = deliver};

static void matcher_open(struct matcher *m, enum habit habit,
	const char *role, const char *instance)
{
	const char *const connect[] = {link_name};
	struct chan_config c = {
		.name = "test", .connect = connect, .n_connect = 1,
		.role = role, .instance = instance,
	};
	struct err err = {0};

	*m = (struct matcher){.habit = habit};
	m->chan = chan_open(loop, &c, &ops, m, &err);
	if (!m->chan)
		fail_msg("%s", err.text);
}

/* ---- the house ---- */

static void ingress_open(void)
{
	struct err err = {0};
	struct dispatch_config c = {
		.loop = loop, .link = link_name, .instance = "i"};

	c.spool = spool = spool_open(dir, &err);
	c.reader = reader = spool_reader_open(dir, &err);
	dispatch = dispatch_open(&c, &err);
	if (!dispatch)
		fail_msg("%s", err.text);
}

static void ingress_close(void)
{
	dispatch_close(dispatch);
	spool_close(spool);
	dispatch_free(dispatch);
	spool_reader_close(reader);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-leases-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(link_name, sizeof(link_name), "ipc://%s/l/ingress", dir);
	memset(acked, 0, sizeof(acked));
	n_acked = n_delivered = n_refused = 0;
	loop = loop_new();
	ingress_open();
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	ingress_close();
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : -1;
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void turn(int64_t ms)
{
	loop_timer_start(loop, ms, 0, stop, loop);
	loop_run(loop);
	dispatch_tick(dispatch);
}

#define TURN_UNTIL(condition) \
	do { \
		for (int t_ = 0; t_ < 3000 && !(condition); t_++) \
			turn(20); \
		assert_true(condition); \
	} while (0)

static void on_put(struct spool_put *put, const struct err *err)
{
	assert_null(err);
	for (size_t i = 0; i < put->entries.n; i++)
		dispatch_accept(dispatch, &put->entries.v[i].event,
			put->entries.v[i].seq);
	spool_put_release(put);
	free(put);
}

static void put(int first, int n)
{
	struct spool_put *p = xcalloc(1, sizeof(*p));

	p->done = on_put;
	for (int i = 0; i < n; i++) {
		struct event e = {0};
		struct err err = {0};
		char id[UID_LEN];

		e.id = xstrdup(uid_new(clock_wall(), id));
		e.time = uid_time(e.id);
		e.source = xstrdup("src");
		e.repository = xstrdup("shop/web");
		e.tag = xprintf("%d", first + i);
		assert_int_equal(spool_put_add(p, &e, &err), 0);
	}
	assert_int_equal(spool_put_start(spool, p), 0);
}

static void finish(void)
{
	/* The last put may not be committed yet: then nothing is pending. */
	TURN_UNTIL(n_acked == EVENTS && dispatch_pending(dispatch) == 0 &&
		dispatch_drained(dispatch));
}

/* ---- tests ---- */

static void test_joining(void **state)
{
	struct matcher m[3];

	(void)state;
	put(0, 1000);
	turn(20);
	assert_int_equal(dispatch_matchers(dispatch), 0);
	matcher_open(&m[0], ACKS, "matcher", "a");
	TURN_UNTIL(m[0].got > 100);
	matcher_open(&m[1], REFUSES_SOME, "matcher", "b");
	TURN_UNTIL(dispatch_matchers(dispatch) == 2);
	put(1000, 1000);
	matcher_open(&m[2], REFUSES_SOME, "matcher", "c");
	TURN_UNTIL(dispatch_matchers(dispatch) == 3);
	put(2000, 1000);
	finish();
	for (size_t i = 0; i < 3; i++) {
		assert_true(m[i].got > 0);
		chan_close(m[i].chan);
	}
	assert_true(n_refused > 0);
	/* Nobody was lost, so nothing came twice but what was refused. */
	assert_int_equal(n_delivered, EVENTS + n_refused);
}

/* A matcher takes all its credit and goes: what it held goes to another. */
static void test_leaving(void **state)
{
	struct matcher holder, other;

	(void)state;
	put(0, EVENTS);
	matcher_open(&holder, HOLDS, "matcher", "holder");
	TURN_UNTIL(holder.got > 0 && dispatch_in_flight(dispatch) > 0);
	matcher_open(&other, ACKS, "matcher", "other");
	TURN_UNTIL(other.got > 100);
	chan_close(holder.chan);
	finish();
	chan_close(other.chan);
}

/* ingress itself goes and comes back while events are under way. */
static void test_restart(void **state)
{
	struct matcher m;
	size_t done, unmarked;

	(void)state;
	put(0, EVENTS);
	matcher_open(&m, REFUSES_SOME, "matcher", "m");
	TURN_UNTIL(n_acked > 500);
	ingress_close();
	done = n_acked;
	assert_true(done < EVENTS);
	ingress_open();
	unmarked = done + (size_t)spool_reader_pending(reader) - EVENTS;
	finish();
	/* What is repeated is at most what was in flight or unmarked. */
	assert_in_range(n_delivered - n_refused - EVENTS, 0, 64 + unmarked);
	chan_close(m.chan);
}

static void test_stranger(void **state)
{
	struct matcher m;

	(void)state;
	put(0, EVENTS);
	matcher_open(&m, ACKS, "deployer", "stranger");
	turn(500);
	assert_int_equal(m.got, 0);
	assert_int_equal(dispatch_matchers(dispatch), 0);
	chan_close(m.chan);
	matcher_open(&m, ACKS, "matcher", "friend");
	finish();
	chan_close(m.chan);
}

static void test_drain(void **state)
{
	struct matcher m;

	(void)state;
	put(0, EVENTS);
	matcher_open(&m, ACKS, "matcher", "m");
	TURN_UNTIL(n_acked > 100);
	dispatch_drain(dispatch);
	TURN_UNTIL(dispatch_drained(dispatch));
	assert_true(n_acked < EVENTS);
	ingress_close();
	ingress_open();
	assert_int_equal(spool_reader_pending(reader), EVENTS - n_acked);
	finish();
	/* A drain loses no lease: nothing came twice. */
	assert_int_equal(n_delivered, EVENTS);
	chan_close(m.chan);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_joining),
		TEST(test_leaving),
		TEST(test_restart),
		TEST(test_stranger),
		TEST(test_drain),
	};

	return cmocka_run_group_tests_name("leases", tests, NULL, NULL);
}
