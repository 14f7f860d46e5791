/* In the world of sim.h; a logger is a chan of this file. */
#include "proto/daemon/outbox.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/log.h"
#include "proto/base/vec.h"
#include "tests/unit/proto/sim.h"

static struct loop mine = {0}, theirs = {1};
static struct outbox *box;
static struct chan *logger;
static VEC(char *) stored; /* ids, in the order of the commits */
static char instance[64], reason[1100];
static int acked, refuse;
static char acked_id[200];
static const char *const at_logger[] = {"sim://logger"};

static void on_deliver(void *ctx, const struct chan_from *from,
	const struct msg *m)
{
	const struct record *r = &m->u.record;

	(void)ctx;
	assert_int_equal(m->type, MSG_RECORD);
	if (refuse > 0) {
		refuse--;
		chan_nack(logger, from, 100, "the disk is full");
		return;
	}
	VEC_PUSH(&stored, xstrdup(r->id));
	snprintf(instance, sizeof(instance), "%s", r->instance);
	snprintf(reason, sizeof(reason), "%s",
		r->reason != NULL ? r->reason : "");
	chan_ack(logger, from);
}

static void on_acked(void *ctx, const char *id)
{
	assert_ptr_equal(ctx, &acked);
	acked++;
	snprintf(acked_id, sizeof(acked_id), "%s", id);
}

static void pass(int64_t ms)
{
	int64_t end = sim.now + ms;

	while (sim.now < end) {
		sim_connect();
		sim_step(sim.now + 10 < end ? sim.now + 10 : end);
	}
}

static void open_logger(void)
{
	static const struct chan_ops ops = {.deliver = on_deliver};
	const struct chan_config c = {.name = "logger", .bind = at_logger[0],
		.role = "logger", .instance = "l"};
	struct err err;

	logger = chan_open(&theirs, &c, &ops, NULL, &err);
	assert_non_null(logger);
}

static int start(void **state)
{
	const struct outbox_config c = {.role = "deployer",
		.instance = "deployer@x", .logger = at_logger, .n_logger = 1,
		.max_observations = 5};
	struct err err;

	(void)state;
	sim_start(3);
	acked = refuse = 0;
	box = outbox_open(&mine, &c, &err);
	assert_non_null(box);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	outbox_close(box);
	pass(10); /* what was posted finds it closed */
	chan_close(logger);
	logger = NULL;
	for (size_t i = 0; i < stored.n; i++)
		free(stored.v[i]);
	VEC_RELEASE(&stored);
	assert_true(list_empty(&sim.timers));
	return 0;
}

static struct record record(const char *id)
{
	return (struct record){.id = xstrdup(id), .event = xstrdup("e"),
		.status = xstrdup("deployed")};
}

static void put(const char *id)
{
	struct record r = record(id);

	outbox_put(box, &r, on_acked, &acked);
	assert_null(r.id);
}

static void observe(const char *id)
{
	struct record r = record(id);

	outbox_observe(box, &r);
	assert_null(r.id);
}

static void test_result(void **state)
{
	(void)state;
	put("r1");
	pass(20000); /* the logger is away */
	assert_int_equal(outbox_waiting(box), 1);
	open_logger();
	pass(4000);
	assert_int_equal(acked, 1);
	assert_string_equal(acked_id, "r1");
	assert_int_equal(stored.n, 1);
	assert_string_equal(instance, "deployer@x");
	assert_int_equal(outbox_waiting(box), 0);
}

static void test_refused(void **state)
{
	(void)state;
	open_logger();
	refuse = 3;
	put("r1");
	put("r2");
	pass(5000);
	assert_int_equal(acked, 2);
	assert_int_equal(stored.n, 2);
}

/* What a row is made of may come from anywhere: it is sent all the same. */
static void test_fits(void **state)
{
	struct record r = record("r1");

	(void)state;
	open_logger();
	r.reason = xcalloc(1, 3001);
	memset(r.reason, 'x', 3000);
	r.reason[0] = '\xff';
	r.tag = xcalloc(1, 200);
	memset(r.tag, 't', 199);
	r.instance = xstrdup("another");
	outbox_put(box, &r, on_acked, &acked);
	pass(1000);
	assert_int_equal(acked, 1);
	assert_int_equal(strlen(reason), 1024);
	assert_int_equal(reason[0], '?');
	assert_string_equal(instance, "another");
}

static void test_observations(void **state)
{
	char id[16];

	(void)state;
	for (int i = 0; i < 4; i++) {
		snprintf(id, sizeof(id), "o%d", i);
		observe(id);
	}
	pass(10);
	for (int i = 4; i < 9; i++) { /* bounded in the inbox, too */
		snprintf(id, sizeof(id), "o%d", i);
		observe(id);
	}
	observe("one too many on the way");
	assert_int_equal(outbox_dropped(box), 1);
	pass(10);
	put("r1"); /* results are not bounded: their owner keeps them */
	assert_int_equal(outbox_waiting(box), 6);
	assert_int_equal(outbox_dropped(box), 5);
	open_logger();
	pass(4000);
	assert_int_equal(stored.n, 6);
	for (size_t i = 0; i < 5; i++) {
		snprintf(id, sizeof(id), "o%zu", i);
		assert_string_equal(stored.v[i], id);
	}
	assert_int_equal(acked, 1);
	observe("there is room again");
	pass(100);
	assert_int_equal(stored.n, 7);
	assert_int_equal(outbox_dropped(box), 5);
}

static void test_forget(void **state)
{
	(void)state;
	put("r1");
	outbox_forget(box, &acked);
	open_logger();
	pass(4000);
	assert_int_equal(acked, 0);
	assert_int_equal(stored.n, 1);
}

static void test_closed_early(void **state)
{
	(void)state;
	put("r1");
	observe("o1"); /* on its way when stop() closes */
}

static void test_closed_and_loop_ended(void **state)
{
	(void)state;
	observe("o1");
	outbox_close(box);
	box = NULL;
	assert_false(list_empty(&sim.timers)); /* its post */
	sim_drop_posts(); /* the post frees it, seen by the sanitizers */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_result),
		TEST(test_refused),
		TEST(test_fits),
		TEST(test_observations),
		TEST(test_forget),
		TEST(test_closed_early),
		TEST(test_closed_and_loop_ended),
	};

	log_init("test", LOG_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
