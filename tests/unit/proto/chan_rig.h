/*
 * What the tests of chan.c share: ends in the world of sim.h, a sender and one
 * or two receivers, and what they saw.
 */
#ifndef TESTS_UNIT_PROTO_CHAN_RIG_H
#define TESTS_UNIT_PROTO_CHAN_RIG_H

#include "proto/daemon/chan.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/log.h"
#include "proto/base/vec.h"
#include "tests/unit/proto/sim.h"

#define ITEMS 40

struct end {
	struct loop loop;
	struct chan *chan;
	int ups, downs, byes, statuses, nacks;
	char last_peer[128];
	char nack_reason[128];
	int acked;
	bool answers; /* receiver: acknowledges what it gets, at once */
	VEC(struct chan_from) got;
};

static struct end a, b, d; /* a sends; b, and sometimes d, receive */
static struct chan_item items[ITEMS];
static struct event event = {
	.id = "id", .source = "s", .repository = "r", .tag = "t"};

static inline void on_deliver(void *ctx, const struct chan_from *from,
	const struct msg *m)
{
	struct end *e = ctx;

	assert_string_equal(m->u.event.repository, "r");
	VEC_PUSH(&e->got, *from);
	if (e->answers)
		chan_ack(e->chan, from);
}

static inline void on_acked(void *ctx, struct chan_item *item)
{
	struct end *e = ctx;

	assert_int_equal(item->credit.lease, 0);
	e->acked++;
}

static inline void on_nacked(
	void *ctx, struct chan_item *item, const char *reason)
{
	struct end *e = ctx;

	(void)item;
	e->nacks++;
	snprintf(e->nack_reason, sizeof(e->nack_reason), "%s",
		reason != NULL ? reason : "");
}

static inline void on_peer(void *ctx, const struct chan_peer *peer, bool up)
{
	struct end *e = ctx;

	e->ups += up;
	e->downs += !up;
	assert_false(up && peer->bye);
	e->byes += peer->bye;
	snprintf(e->last_peer, sizeof(e->last_peer), "%s %s %s %zu",
		peer->role, peer->instance, peer->version, peer->lanes->n);
}

static inline void on_status(void *ctx, const struct msg_status *status)
{
	struct end *e = ctx;

	assert_string_equal(status->metrics, "{}");
	e->statuses++;
}

static const struct chan_ops ops = {
	.deliver = on_deliver,
	.acked = on_acked,
	.nacked = on_nacked,
	.peer = on_peer,
	.status = on_status,
};
static const char *const at_a[] = {"sim://a"};
static const char *const lanes[] = {"http", "local"};

static inline struct chan_config config_a(void)
{
	return (struct chan_config){.name = "a", .sends = true,
		.bind = "sim://a", .role = "ingress", .instance = "in",
		.expect_role = "matcher"};
}

static inline struct chan_config config_b(const char *instance)
{
	return (struct chan_config){.name = instance, .connect = at_a,
		.n_connect = 1, .role = "matcher", .instance = instance,
		.expect_role = "ingress", .lanes = lanes, .n_lanes = 2};
}

static inline void open_end(struct end *e, int proc, struct chan_config c)
{
	struct err err;

	e->loop.proc = proc;
	e->chan = chan_open(&e->loop, &c, &ops, e, &err);
	assert_non_null(e->chan);
}

/* As kill -9. */
static inline void kill_end(struct end *e)
{
	sim.links[e->loop.proc]->dead = true;
	chan_close(e->chan);
	e->chan = NULL;
}

static inline void pass(int64_t ms)
{
	int64_t end = sim.now + ms;

	while (sim.now < end) {
		sim_connect();
		sim_step(sim.now + 10 < end ? sim.now + 10 : end);
	}
}

static inline int start(void **state)
{
	(void)state;
	sim_start(1);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	memset(&d, 0, sizeof(d));
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < ITEMS; i++) {
		items[i].type = MSG_EVENT;
		items[i].body = &event;
	}
	b.answers = d.answers = true;
	return 0;
}

static inline int stop(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct end *e = (struct end *[]){&a, &b, &d}[i];

		if (e->chan != NULL)
			kill_end(e);
		VEC_RELEASE(&e->got);
	}
	assert_true(list_empty(&sim.timers));
	return 0;
}

static inline void put_all(void)
{
	for (size_t i = 0; i < ITEMS; i++)
		chan_put(a.chan, &items[i]);
}

/* Packets of a type on their way in the direction; what is lost is gone. */
static inline size_t count_packets(int dir, enum msg_type type, bool lose)
{
	size_t n = 0;

	LIST_EACH(&sim.packets, node) {
		struct sim_packet *p = packet_at(node);
		struct msg m = {0};
		struct err err;

		if (p->dir != dir || p->up ||
			msg_unpack(strbuf_str(&p->bytes), &m, &err) != 0)
			continue;
		n += m.type == type;
		if (lose && m.type == type) {
			list_remove(&p->node);
			packet_free(p);
		}
		msg_release(&m);
	}
	return n;
}

static inline struct sim_conn *first_conn(void)
{
	assert_false(list_empty(&sim.conns));
	return conn_at(sim.conns.next);
}

/* Bytes of our choice, as if the other end had said them. */
static inline void say(int dir, struct str bytes)
{
	strbuf_add_str(&packet_new(first_conn(), dir)->bytes, bytes);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif
