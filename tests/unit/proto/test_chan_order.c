/*
 * Orders over a link, in the world of sim.h: who is asked, what is answered,
 * and that each question ends exactly once, whatever becomes of the peer.
 */
#include "proto/daemon/chan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/proto/sim.h"

#define PEERS 3

/* One logger that binds; two deployers and an ingress that connect. */
static struct peer {
	struct loop loop;
	struct chan *chan;
	const char *role, *instance, *lane;
	bool silent; /* keeps what it is asked */
	struct chan_asker last;
	int asked;
} peers[PEERS] = {
	{.loop = {1}, .role = "deployer", .instance = "d1", .lane = "http"},
	{.loop = {2}, .role = "deployer", .instance = "d2", .lane = "local"},
	{.loop = {3}, .role = "ingress", .instance = "i1"},
};
static struct loop ours;
static struct chan *logger;
static int answers, failures;
static int64_t patience; /* ms */
static char last[512]; /* "INSTANCE: ok|CODE|WHY TEXT BODY" */
static const char *const at[] = {"sim://logger"};

static void deliver(void *ctx, const struct chan_from *from,
	const struct msg *msg)
{
	(void)ctx;
	(void)from;
	(void)msg;
	fail_msg("no payload is sent here");
}

static void acked(void *ctx, struct chan_item *item)
{
	(void)ctx;
	(void)item;
}

static void answer(struct peer *p, const struct chan_asker *to, bool ok,
	const char *text)
{
	struct msg_answer a = {.ok = ok, .text = xstrdup(text),
		.body = ok ? xstrdup("{\"n\":1}") : NULL,
		.code = ok ? NULL : xstrdup(ANSWER_REFUSED)};

	chan_answer(p->chan, to, &a);
	field_release(&answer_table, &a);
}

static void on_order(void *ctx, const struct chan_asker *from,
	const struct msg_order *order)
{
	struct peer *p = ctx;

	assert_string_equal(order->args, "{}");
	assert_string_equal(order->who, "ann");
	p->asked++;
	p->last = *from;
	if (!p->silent)
		answer(p, from, strcmp(order->what, "queue") == 0,
			order->what);
}

static void on_answer(void *ctx, const struct chan_peer *peer,
	const struct msg_answer *a, const char *why)
{
	assert_ptr_equal(ctx, &answers);
	assert_true((a == NULL) == (why != NULL));
	answers += a != NULL;
	failures += a == NULL;
	snprintf(last, sizeof(last), "%s: %s %s %s",
		peer->instance != NULL ? peer->instance : "?",
		a == NULL ? "-" : a->ok ? "ok" : a->code,
		a == NULL ? why : a->text,
		a != NULL && a->body != NULL ? a->body : "-");
}

static void pass(int64_t ms)
{
	int64_t end = sim.now + ms;

	while (sim.now < end) {
		sim_connect();
		sim_step(sim.now + 10 < end ? sim.now + 10 : end);
	}
}

static void open_peer(struct peer *p)
{
	static const struct chan_ops with = {.acked = acked,
		.order = on_order};
	static const struct chan_ops without = {.acked = acked};
	const struct chan_config c = {.name = p->role, .sends = true,
		.connect = at, .n_connect = 1, .role = p->role,
		.instance = p->instance, .lanes = &p->lane,
		.n_lanes = p->lane != NULL, .expect_role = "logger"};
	struct err err;

	p->chan = chan_open(&p->loop, &c,
		p->lane != NULL ? &with : &without, p, &err);
	assert_non_null(p->chan);
}

static int start(void **state)
{
	static const struct chan_ops ops = {.deliver = deliver};
	const struct chan_config c = {.name = "logger", .bind = at[0],
		.role = "logger", .instance = "l"};
	struct err err;

	(void)state;
	sim_start(5);
	answers = failures = 0;
	patience = 3000;
	last[0] = '\0';
	ours.proc = 0;
	logger = chan_open(&ours, &c, &ops, NULL, &err);
	assert_non_null(logger);
	for (size_t i = 0; i < PEERS; i++) {
		peers[i].silent = false;
		peers[i].asked = 0;
		open_peer(&peers[i]);
	}
	pass(200);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < PEERS; i++) {
		chan_close(peers[i].chan);
		peers[i].chan = NULL;
	}
	chan_close(logger);
	logger = NULL;
	assert_true(list_empty(&sim.timers));
	return 0;
}

static size_t ask(const char *role, const char *instance, const char *lane,
	const char *what, struct err *err)
{
	const struct chan_order o = {.role = role, .instance = instance,
		.lane = lane, .what = what, .args = "{}", .who = "ann",
		.timeout_ms = patience};

	return chan_ask(logger, &o, on_answer, &answers, err);
}

static void test_who_is_asked(void **state)
{
	static const struct {
		const char *role, *instance, *lane;
		size_t asked;
	} cases[] = {
		{NULL, NULL, NULL, 3}, {"deployer", NULL, NULL, 2},
		{"deployer", "d2", NULL, 1}, {"deployer", NULL, "http", 1},
		{"deployer", "d2", "http", 0}, {"ingress", NULL, NULL, 1},
		{"matcher", NULL, NULL, 0}, {NULL, "d1", NULL, 1},
		{"ingress", NULL, "http", 0},
	};
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		err_clear(&err);
		assert_int_equal(ask(cases[i].role, cases[i].instance,
			cases[i].lane, "queue", &err), cases[i].asked);
		if (cases[i].asked == 0)
			assert_string_equal(err.text,
				"there is nobody connected to ask");
		pass(100);
	}
	assert_int_equal(answers, 9);
	assert_int_equal(failures, 0);
}

static void test_answers(void **state)
{
	struct err err;

	(void)state;
	ask("deployer", NULL, "http", "queue", &err);
	assert_int_equal(answers, 0); /* never from within the call */
	pass(100);
	assert_string_equal(last, "d1: ok queue {\"n\":1}");
	ask("deployer", "d1", NULL, "cancel", &err);
	pass(100);
	assert_string_equal(last, "d1: refused cancel -");
	/* Who has no orders says so by itself. */
	ask("ingress", NULL, NULL, "cancel\n", &err);
	pass(100);
	assert_string_equal(last,
		"i1: unknown i1 has no order `cancel\\x0a` -");
	assert_int_equal(answers, 3);
	assert_int_equal(failures, 0);
}

static void test_silence(void **state)
{
	struct err err;

	(void)state;
	peers[0].silent = true;
	assert_int_equal(ask("deployer", NULL, NULL, "queue", &err), 2);
	pass(2900);
	assert_int_equal(answers, 1);
	assert_int_equal(failures, 0);
	pass(300);
	assert_int_equal(failures, 1);
	assert_string_equal(last, "d1: - it does not answer in time -");
	/* Too late, and twice: nobody listens any more. */
	answer(&peers[0], &peers[0].last, true, "queue");
	answer(&peers[0], &peers[0].last, true, "queue");
	pass(200);
	assert_int_equal(answers, 1);
	assert_int_equal(peers[0].asked, 1);
}

static void test_lost(void **state)
{
	struct err err;

	(void)state;
	peers[1].silent = true;
	patience = 60000;
	assert_int_equal(ask("deployer", "d2", NULL, "queue", &err), 1);
	pass(100);
	chan_close(peers[1].chan);
	peers[1].chan = NULL;
	pass(7000);
	assert_int_equal(failures, 1);
	assert_string_equal(last, "d2: - cannot be reached -");
	assert_int_equal(ask("deployer", "d2", NULL, "queue", &err), 0);
	/* It is back: a new session, which is asked nothing of before. */
	open_peer(&peers[1]);
	pass(2000);
	assert_int_equal(peers[1].asked, 1);
	answer(&peers[1], &peers[1].last, true, "queue");
	pass(100);
	assert_int_equal(answers, 0);
}

static void test_close_ends_all(void **state)
{
	struct err err;

	(void)state;
	peers[0].silent = peers[1].silent = true;
	assert_int_equal(ask("deployer", NULL, NULL, "queue", &err), 2);
	pass(100);
	chan_close(logger);
	logger = NULL;
	assert_int_equal(failures, 2);
}

static void test_bounded(void **state)
{
	struct err err;
	size_t n = 0;

	(void)state;
	peers[0].silent = true;
	while (ask("deployer", "d1", NULL, "queue", &err) == 1)
		assert_true(++n <= CHAN_ORDERS_MAX);
	assert_int_equal(n, CHAN_ORDERS_MAX);
	assert_string_equal(err.text, "too many orders wait for an answer");
	pass(4000);
	assert_int_equal(failures, CHAN_ORDERS_MAX);
	assert_int_equal(ask("deployer", "d2", NULL, "queue", &err), 1);
	pass(100);
	assert_int_equal(answers, 1);
}

static void test_too_large(void **state)
{
	struct chan_order o = {.role = "deployer", .what = "queue",
		.timeout_ms = 1000};
	char *args = xcalloc(1, 100000);
	struct err err;

	(void)state;
	memset(args, ' ', 99999);
	o.args = args;
	assert_int_equal(chan_ask(logger, &o, on_answer, &answers, &err), 0);
	assert_string_equal(err.text, "the order is too large to be sent");
	free(args);
	pass(2000);
	assert_int_equal(answers + failures, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_who_is_asked), TEST(test_answers),
		TEST(test_silence), TEST(test_lost),
		TEST(test_close_ends_all), TEST(test_bounded),
		TEST(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
