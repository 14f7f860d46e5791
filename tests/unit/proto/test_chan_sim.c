/*
 * chan.c in the world of sim.h: thousands of seconds with broken connections,
 * lost messages, killed, stopped and restarted processes. What must hold,
 * whatever happens:
 *
 *   - an item is acknowledged to its owner only after a receiver has
 *     committed it, and only once;
 *   - a receiver never holds more of a session than its window;
 *   - when the faults end, everything is acknowledged.
 */
#include "proto/daemon/chan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/log.h"
#include "proto/base/vec.h"
#include "tests/unit/proto/sim.h"

#define ITEMS 1500 /* of each sender */
#define WINDOW 8
#define FAULTS_MS 60000
#define END_MS 200000
#define LOSE 400

struct item {
	struct chan_item chan;
	struct event event;
	char id[32];
	bool acked;
	bool committed; /* by some receiver */
};

/* What a receiver holds, and when it is going to answer. */
struct held {
	struct chan_from from;
	struct item *item;
	int64_t at;
};

struct proc {
	struct loop loop;
	struct chan *chan; /* NULL while dead */
	bool sends, binds;
	char endpoint[32], instance[32];
	int64_t dead_until;
	struct item items[ITEMS]; /* sender */
	int made;                 /* so many of them were put */
	struct loop_timer *making;
	VEC(struct held) held;    /* receiver */
	struct loop_timer *answering;
};

static struct proc procs[SIM_PROCS];
static int n_procs;
static const char *endpoints[SIM_PROCS];
static size_t n_endpoints;
static size_t delivered, committed_again;

static void on_acked(void *ctx, struct chan_item *ci)
{
	struct item *it = CONTAINER_OF(ci, struct item, chan);

	(void)ctx;
	assert_true(it->committed);
	assert_false(it->acked);
	it->acked = true;
	assert_false(list_linked(&ci->credit.node));
	assert_int_equal(ci->credit.lease, 0);
}

static void on_answering(void *ctx)
{
	struct proc *p = ctx;

	p->answering = NULL;
	for (size_t i = 0; i < p->held.n;) {
		struct held h = p->held.v[i];

		if (h.at > sim.now) {
			i++;
			continue;
		}
		VEC_REMOVE_SWAP(&p->held, i);
		if (sim_pick(10) == 0) {
			chan_nack(p->chan, &h.from, sim_pick(3) * 200,
				"not just now");
			continue;
		}
		committed_again += h.item->committed;
		h.item->committed = true;
		chan_ack(p->chan, &h.from);
	}
	if (p->held.n != 0)
		p->answering = loop_timer_start(&p->loop, 1 + sim_pick(5), 0,
			on_answering, p);
}

static void on_deliver(void *ctx, const struct chan_from *from,
	const struct msg *m)
{
	struct proc *p = ctx;
	struct held h = {.from = *from, .at = sim.now + sim_pick(40)};
	size_t n = 1;
	int proc, i;

	delivered++;
	assert_int_equal(m->type, MSG_EVENT);
	assert_int_equal(sscanf(m->u.event.id, "%d:%d", &proc, &i), 2);
	h.item = &procs[proc].items[i];
	for (size_t k = 0; k < p->held.n; k++) {
		const struct chan_from *f = &p->held.v[k].from;

		assert_false(f->peer == from->peer && f->lease == from->lease);
		n += f->peer == from->peer;
	}
	assert_in_range(n, 1, WINDOW);
	VEC_PUSH(&p->held, h);
	if (p->answering == NULL)
		p->answering = loop_timer_start(&p->loop, sim_pick(5), 0,
			on_answering, p);
}

static const struct chan_ops ops = {.deliver = on_deliver, .acked = on_acked};

/* Spread over the time of the faults, in bursts. */
static void on_making(void *ctx)
{
	struct proc *p = ctx;
	int burst = 1 + sim_pick(20);

	p->making = NULL;
	for (; burst > 0 && p->made < ITEMS; burst--, p->made++)
		chan_put(p->chan, &p->items[p->made].chan);
	if (p->made < ITEMS)
		p->making = loop_timer_start(&p->loop,
			sim_pick(20 * FAULTS_MS / ITEMS), 0, on_making, p);
}

static void proc_start(struct proc *p)
{
	struct chan_config c = {
		.name = p->instance,
		.sends = p->sends,
		.bind = p->binds ? p->endpoint : NULL,
		.connect = endpoints,
		.n_connect = n_endpoints,
		.role = p->sends ? "ingress" : "matcher",
		.instance = p->instance,
		.window = WINDOW,
		.expect_role = p->sends ? "matcher" : "ingress",
		.limits = {.lease_max_ms = 20000},
	};
	struct err err;

	p->chan = chan_open(&p->loop, &c, &ops, p, &err);
	assert_non_null(p->chan);
	for (int i = 0; i < p->made; i++) {
		if (!p->items[i].acked)
			chan_put(p->chan, &p->items[i].chan);
	}
	if (p->sends)
		on_making(p);
}

/* As kill -9 does: nothing is said, and what is committed stays so. */
static void proc_kill(struct proc *p)
{
	sim.links[p->loop.proc]->dead = true;
	chan_close(p->chan);
	p->chan = NULL;
	loop_timer_cancel(&p->answering);
	loop_timer_cancel(&p->making);
	p->held.n = 0;
	sim.stopped_until[p->loop.proc] = 0;
}

static void fault(void)
{
	struct proc *p = &procs[sim_pick(n_procs)];
	int kind = sim_pick(6);

	if (kind == 0 && p->chan != NULL) {
		proc_kill(p);
		p->dead_until = sim.now + sim_pick(8000);
	} else if (kind == 1) {
		/* for less or more than silence is borne */
		sim.stopped_until[p->loop.proc] = sim.now + sim_pick(12000);
	} else {
		sim_break_some();
	}
}

static bool all_acked(void)
{
	for (int i = 0; i < n_procs; i++) {
		for (int k = 0; procs[i].sends && k < ITEMS; k++) {
			if (!procs[i].items[k].acked)
				return false;
		}
	}
	return true;
}

static void run(bool faults)
{
	int64_t next_fault = sim.now + 3000;
	int64_t faults_end = sim.now + (faults ? FAULTS_MS : 0);
	int64_t end = faults_end + END_MS;

	while (sim.now < end && !(sim.now >= faults_end && all_acked())) {
		sim.lose = sim.now < faults_end ? LOSE : 0;
		if (sim.now < faults_end && sim.now >= next_fault) {
			fault();
			next_fault = sim.now + 200 + sim_pick(2000);
		}
		for (int i = 0; i < n_procs; i++) {
			if (procs[i].chan == NULL &&
				(procs[i].dead_until <= sim.now ||
					sim.now >= faults_end))
				proc_start(&procs[i]);
		}
		sim_connect();
		sim_step(sim.now + 50);
	}
}

static void world_start(unsigned seed, int senders, int receivers,
	bool senders_bind)
{
	sim_start(seed);
	memset(procs, 0, sizeof(procs));
	n_procs = senders + receivers;
	n_endpoints = 0;
	for (int i = 0; i < n_procs; i++) {
		struct proc *p = &procs[i];

		p->loop.proc = i;
		p->sends = i < senders;
		p->binds = p->sends == senders_bind;
		snprintf(p->endpoint, sizeof(p->endpoint), "sim://%d", i);
		snprintf(p->instance, sizeof(p->instance), "p%d", i);
		if (p->binds)
			endpoints[n_endpoints++] = p->endpoint;
		for (int k = 0; k < ITEMS; k++) {
			struct item *it = &p->items[k];

			snprintf(it->id, sizeof(it->id), "%d:%d", i, k);
			it->event = (struct event){.id = it->id,
				.source = "s", .repository = "r", .tag = "t"};
			it->chan.type = MSG_EVENT;
			it->chan.body = &it->event;
			it->chan.credit.affinity =
				k % 3 == 0 ? p->endpoint : NULL;
		}
	}
}

static void world_end(void)
{
	for (int i = 0; i < n_procs; i++) {
		if (procs[i].chan != NULL)
			proc_kill(&procs[i]);
		VEC_RELEASE(&procs[i].held);
	}
	assert_true(list_empty(&sim.timers));
	assert_true(list_empty(&sim.conns));
	assert_true(list_empty(&sim.packets));
}

static void test_calm(void **state)
{
	(void)state;
	for (int bind = 0; bind < 2; bind++) {
		delivered = committed_again = 0;
		world_start((unsigned)bind, 1, 3, bind);
		run(false);
		assert_true(all_acked());
		/* nothing twice when nothing fails, but for the NACKs */
		assert_int_equal(committed_again, 0);
		assert_true(sim.now < 2 * FAULTS_MS);
		world_end();
	}
}

static void storm(int senders, int receivers, bool bind)
{
	for (unsigned seed = 1; seed <= 30; seed++) {
		world_start(seed, senders, receivers, bind);
		run(true);
		if (!all_acked())
			fail_msg("seed %u: not all are acknowledged", seed);
		world_end();
	}
}

static void test_one_binds(void **state)
{
	(void)state;
	storm(1, 3, true);
}

static void test_receivers_bind(void **state)
{
	(void)state;
	storm(1, 3, false);
}

static void test_many(void **state)
{
	(void)state;
	storm(3, 4, true);
	storm(3, 4, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calm),
		cmocka_unit_test(test_one_binds),
		cmocka_unit_test(test_receivers_bind),
		cmocka_unit_test(test_many),
	};

	log_init("test", LOG_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
