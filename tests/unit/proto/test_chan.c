/*
 * chan.c case by case, in the world of sim.h: who says what when, and how
 * soon. test_chan_sim.c has the storms, test_chan_real.c real sockets.
 */
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

static void on_deliver(void *ctx, const struct chan_from *from,
	const struct msg *m)
{
	struct end *e = ctx;

	assert_string_equal(m->u.event.repository, "r");
	VEC_PUSH(&e->got, *from);
	if (e->answers)
		chan_ack(e->chan, from);
}

static void on_acked(void *ctx, struct chan_item *item)
{
	struct end *e = ctx;

	assert_int_equal(item->credit.lease, 0);
	e->acked++;
}

static void on_nacked(void *ctx, struct chan_item *item, const char *reason)
{
	struct end *e = ctx;

	(void)item;
	e->nacks++;
	snprintf(e->nack_reason, sizeof(e->nack_reason), "%s",
		reason != NULL ? reason : "");
}

static void on_peer(void *ctx, const struct chan_peer *peer, bool up)
{
	struct end *e = ctx;

	e->ups += up;
	e->downs += !up;
	assert_false(up && peer->bye);
	e->byes += peer->bye;
	snprintf(e->last_peer, sizeof(e->last_peer), "%s %s %s %zu",
		peer->role, peer->instance, peer->version, peer->lanes->n);
}

static void on_status(void *ctx, const struct msg_status *status)
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

static struct chan_config config_a(void)
{
	return (struct chan_config){.name = "a", .sends = true,
		.bind = "sim://a", .role = "ingress", .instance = "in",
		.expect_role = "matcher"};
}

static struct chan_config config_b(const char *instance)
{
	return (struct chan_config){.name = instance, .connect = at_a,
		.n_connect = 1, .role = "matcher", .instance = instance,
		.expect_role = "ingress", .lanes = lanes, .n_lanes = 2};
}

static void open_end(struct end *e, int proc, struct chan_config c)
{
	struct err err;

	e->loop.proc = proc;
	e->chan = chan_open(&e->loop, &c, &ops, e, &err);
	assert_non_null(e->chan);
}

/* As kill -9. */
static void kill_end(struct end *e)
{
	sim.links[e->loop.proc]->dead = true;
	chan_close(e->chan);
	e->chan = NULL;
}

static void pass(int64_t ms)
{
	int64_t end = sim.now + ms;

	while (sim.now < end) {
		sim_connect();
		sim_step(sim.now + 10 < end ? sim.now + 10 : end);
	}
}

static int start(void **state)
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

static int stop(void **state)
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

static void put_all(void)
{
	for (size_t i = 0; i < ITEMS; i++)
		chan_put(a.chan, &items[i]);
}

/* Packets of a type on their way in the direction; what is lost is gone. */
static size_t count_packets(int dir, enum msg_type type, bool lose)
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

static struct sim_conn *first_conn(void)
{
	assert_false(list_empty(&sim.conns));
	return conn_at(sim.conns.next);
}

/* Bytes of our choice, as if the other end had said them. */
static void say(int dir, struct str bytes)
{
	strbuf_add_str(&packet_new(first_conn(), dir)->bytes, bytes);
}

/* ---- sessions ------------------------------------------------------------ */

static void test_hello(void **state)
{
	(void)state;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	assert_int_equal(a.ups, 1);
	assert_int_equal(b.ups, 1);
	assert_string_equal(a.last_peer, "matcher m1 " PULLWIRE_VERSION " 2");
	assert_string_equal(b.last_peer,
		"ingress in " PULLWIRE_VERSION " 0");
	assert_int_equal(chan_peers(a.chan), 1);
	assert_true(chan_has_lane(a.chan, "http"));
	assert_false(chan_has_lane(a.chan, "other"));
	pass(60000);
	assert_int_equal(a.ups + b.ups, 2);
	assert_int_equal(a.downs + b.downs, 0);
}

static void test_role(void **state)
{
	struct chan_config c = config_b("m1");

	(void)state;
	open_end(&a, 0, config_a());
	c.role = "deployer";
	open_end(&b, 1, c);
	pass(60000);
	assert_int_equal(a.ups + b.ups, 0);
	/* and the other way round: the answer comes from the wrong one */
	kill_end(&b);
	c = config_b("m1");
	c.expect_role = "logger";
	open_end(&b, 1, c);
	pass(60000);
	assert_int_equal(b.ups, 0);
	put_all();
	pass(60000);
	assert_int_equal(b.got.n, 0);
}

/* A HELLO said twice is one session; one with another number is a new one. */
static void test_hello_again(void **state)
{
	struct sim_conn *c;
	struct strbuf out = {0};
	struct msg_hello hello = {
		.session = 77, .role = "matcher", .instance = "m"};
	struct err err;

	(void)state;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(1);
	c = first_conn();
	sim.stopped_until[0] = sim.now + 4500; /* so b repeats it */
	pass(6000);
	assert_int_equal(a.ups, 1);
	assert_int_equal(b.ups, 1);
	assert_int_equal(a.downs + b.downs, 0);
	assert_int_equal(msg_pack(MSG_HELLO, 0, &hello, &out, &err), 0);
	assert_ptr_equal(c, first_conn());
	say(TO_ROUTER, strbuf_str(&out));
	say(TO_ROUTER, strbuf_str(&out));
	/* b never said that: hearing the answer, it says its own */
	pass(10000);
	assert_int_equal(a.ups, 3);
	assert_int_equal(a.downs, 2);
	assert_int_equal(b.ups, 2);
	put_all();
	pass(2000);
	assert_int_equal(a.acked, ITEMS);
	strbuf_release(&out);
}

static void test_binder_restarts(void **state)
{
	(void)state;
	open_end(&b, 1, config_b("m1"));
	for (int i = 0; i < 20; i++) {
		int ups = b.ups;
		int64_t since;

		open_end(&a, 0, config_a());
		since = sim.now;
		while (b.ups == ups && sim.now < since + 10000)
			pass(10);
		assert_true(sim.now - since < 2000);
		pass(300 + sim_pick(2000));
		kill_end(&a);
		pass(sim_pick(3000));
	}
}

static void test_bye(void **state)
{
	(void)state;
	b.answers = false;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	put_all();
	pass(100);
	assert_int_equal(b.got.n, 16);
	assert_int_equal(chan_in_flight(a.chan), 16);
	say(TO_ROUTER, STR("\x95\xa2PW\x01\x07\x00\x80"));
	pass(25);
	assert_int_equal(a.downs, 1);
	assert_int_equal(a.byes, 1);
	assert_int_equal(chan_in_flight(a.chan), 0);
	assert_int_equal(chan_ready(a.chan), ITEMS);
}

/* ---- payloads ------------------------------------------------------------ */

static void test_window_and_pause(void **state)
{
	(void)state;
	b.answers = false;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	put_all();
	pass(3000);
	assert_int_equal(b.got.n, 16);
	chan_pause(b.chan, true);
	for (size_t i = 0; i < 16; i++)
		chan_ack(b.chan, &b.got.v[i]);
	pass(3000);
	assert_int_equal(a.acked, 16);
	assert_int_equal(b.got.n, 16);
	b.answers = true;
	chan_pause(b.chan, false);
	pass(3000);
	assert_int_equal(a.acked, ITEMS);
}

static void test_ack_together(void **state)
{
	(void)state;
	b.answers = false;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	put_all();
	pass(100);
	for (size_t i = 0; i < 16; i++) {
		if (i != 5 && i != 9)
			chan_ack(b.chan, &b.got.v[i]);
	}
	while (count_packets(TO_ROUTER, MSG_ACK, false) == 0)
		sim_step(sim.now + 10);
	assert_int_equal(count_packets(TO_ROUTER, MSG_ACK, false), 1);
	pass(25);
	assert_int_equal(a.acked, 14);
	chan_ack(b.chan, &b.got.v[5]);
	chan_ack(b.chan, &b.got.v[5]); /* only once */
	chan_ack(b.chan, &b.got.v[0]);
	chan_nack(b.chan, &b.got.v[9], 0, "no");
	chan_nack(b.chan, &b.got.v[9], 0, "no");
	pass(50);
	assert_int_equal(a.acked, 15);
	assert_int_equal(a.nacks, 1);
	assert_string_equal(a.nack_reason, "no");
}

static void test_nack_delay(void **state)
{
	int64_t since;

	(void)state;
	b.answers = false;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	chan_put(a.chan, &items[0]);
	pass(100);
	since = sim.now;
	chan_nack(b.chan, &b.got.v[0], 700, "bad \xff text");
	while (b.got.n < 2 && sim.now < since + 5000)
		pass(5);
	assert_in_range(sim.now - since, 700, 800);
	assert_int_equal(items[0].credit.tries, 2);
	assert_string_equal(a.nack_reason, "bad ? text");
}

/* A NACK that the transport loses never becomes an ACK. */
static void test_lost_nack(void **state)
{
	(void)state;
	b.answers = false;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	for (size_t i = 0; i < 3; i++)
		chan_put(a.chan, &items[i]);
	pass(100);
	chan_nack(b.chan, &b.got.v[1], 0, "no");
	assert_int_equal(count_packets(TO_ROUTER, MSG_NACK, true), 1);
	chan_ack(b.chan, &b.got.v[0]);
	chan_ack(b.chan, &b.got.v[2]);
	pass(1000);
	assert_int_equal(a.acked, 2);
	assert_true(items[1].credit.lease != 0);
	pass(900000); /* until the lease ends in any case */
	assert_int_equal(b.got.n, 4);
}

static void test_lost_payload(void **state)
{
	(void)state;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	chan_put(a.chan, &items[0]);
	pass(100);
	assert_int_equal(a.acked, 1);
	chan_put(a.chan, &items[1]);
	while (count_packets(TO_DEALER, MSG_EVENT, true) == 0)
		sim_step(sim.now + 10);
	pass(1000);
	chan_put(a.chan, &items[2]);
	pass(3000); /* the gap ends the session, the next one has both */
	assert_int_equal(b.downs, 1);
	assert_int_equal(a.byes + b.byes, 0); /* lost is not goodbye */
	assert_int_equal(a.acked, 3);
}

static void test_lost_peer(void **state)
{
	(void)state;
	b.answers = false;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	for (size_t i = 0; i < 10; i++)
		chan_put(a.chan, &items[i]);
	pass(100);
	assert_int_equal(b.got.n, 10);
	open_end(&d, 2, config_b("m2"));
	sim.stopped_until[1] = sim.now + 60000;
	pass(3900);
	assert_int_equal(a.acked, 0);
	pass(2000);
	assert_int_equal(a.acked, 10);
	assert_int_equal(d.got.n, 10);
	/* It wakes up, its answers are for nobody, and it goes on. */
	pass(60000);
	for (size_t i = 0; i < 10; i++)
		chan_ack(b.chan, &b.got.v[i]);
	b.answers = true;
	pass(1000);
	assert_int_equal(a.acked, 10);
	assert_int_equal(chan_peers(a.chan), 2);
	kill_end(&d);
	put_all();
	pass(9000);
	assert_int_equal(a.acked, 10 + ITEMS);
}

/* What cannot be packed stays behind, and leaves no gap. */
static void test_unpackable(void **state)
{
	struct event bad = event;

	(void)state;
	bad.repository = NULL;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	items[1].body = &bad;
	for (size_t i = 0; i < 3; i++)
		chan_put(a.chan, &items[i]);
	pass(1000);
	assert_int_equal(a.acked, 2);
	assert_int_equal(a.nacks, 1);
	assert_string_equal(a.nack_reason, "event.repository: is empty");
	assert_int_equal(b.downs, 0);
	chan_remove(a.chan, &items[1]);
	assert_int_equal(chan_ready(a.chan), 0);
}

static void test_status(void **state)
{
	struct msg_status s = {.role = "ingress", .instance = "in",
		.metrics = "{}", .ready = true};

	(void)state;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	chan_send_status(a.chan, &s); /* nobody there */
	pass(200);
	chan_send_status(a.chan, &s);
	pass(100);
	assert_int_equal(b.statuses, 1);
}

/* ---- what should not be -------------------------------------------------- */

#define PING(version) "\x95\xa2PW" version "\x06\x00\x80"

static void test_version(void **state)
{
	(void)state;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	count_packets(TO_DEALER, MSG_ERROR, true);
	say(TO_ROUTER, STR(PING("\x02")));
	while (count_packets(TO_DEALER, MSG_ERROR, false) == 0)
		sim_step(sim.now + 10);
	say(TO_DEALER, STR(PING("\x02")));
	pass(100); /* the connecting end does not answer: no ping-pong */
	assert_int_equal(count_packets(TO_ROUTER, MSG_ERROR, false), 0);
	pass(3000);
	assert_int_equal(a.downs + b.downs, 0);
}

static void test_unreadable_payload(void **state)
{
	struct strbuf out = {0};
	struct err err;
	int64_t lease;

	(void)state;
	b.answers = false;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	chan_put(a.chan, &items[0]);
	pass(100);
	lease = items[0].credit.lease;
	assert_int_equal(b.got.v[0].lease, lease);
	/* the next one comes with an empty body, then one comes without
	 * credit: both are answered, so nobody waits for them */
	field_put_array(&out, 5);
	field_put_str(&out, STR("PW"));
	field_put_i64(&out, 1);
	field_put_i64(&out, MSG_EVENT);
	field_put_i64(&out, lease + 1);
	strbuf_add_char(&out, (char)0x80);
	say(TO_DEALER, strbuf_str(&out));
	while (count_packets(TO_ROUTER, MSG_NACK, true) == 0)
		sim_step(sim.now + 10);
	for (int64_t i = 2; i < 19; i++) {
		strbuf_truncate(&out, 0);
		assert_int_equal(msg_pack(MSG_EVENT, lease + i, &event, &out,
					 &err),
			0);
		say(TO_DEALER, strbuf_str(&out));
	}
	pass(100);
	assert_int_equal(b.got.n, 1 + 15); /* credit: 16, and 1 answered */
	assert_int_equal(b.downs, 0);
	strbuf_release(&out);
}

/* Any bytes at both ends: nothing dies, and work goes on. */
static void test_garbage(void **state)
{
	static const enum msg_type types[] = {MSG_HELLO, MSG_RESET, MSG_CREDIT,
		MSG_ACK, MSG_NACK, MSG_PING, MSG_BYE, MSG_ERROR, MSG_STATUS,
		MSG_EVENT, MSG_JOB, MSG_RECORD};
	char bytes[200];

	(void)state;
	open_end(&a, 0, config_a());
	open_end(&b, 1, config_b("m1"));
	pass(200);
	put_all();
	for (int i = 0; i < 20000; i++) {
		size_t n = (size_t)sim_pick(sizeof(bytes));
		int dir = sim_pick(2);

		for (size_t k = 0; k < n; k++)
			bytes[k] = (char)sim_pick(256);
		if (n > 8 && sim_pick(2)) {
			memcpy(bytes, "\x95\xa2PW\x01\x00\x00\x80", 8);
			bytes[5] = (char)types[sim_pick(
				ARRAY_LEN(types))];
			bytes[6] = (char)sim_pick(40);
			n = sim_pick(2) ? 8 : n;
		}
		if (first_conn()->router != NULL)
			say(dir, (struct str){bytes, n});
		pass(sim_pick(3));
	}
	for (size_t i = 0; i < ITEMS; i++)
		chan_remove(a.chan, &items[i]);
	a.acked = 0;
	pass(20000);
	put_all();
	pass(20000);
	assert_int_equal(a.acked, ITEMS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hello),
		TEST(test_role),
		TEST(test_hello_again),
		TEST(test_binder_restarts),
		TEST(test_bye),
		TEST(test_window_and_pause),
		TEST(test_ack_together),
		TEST(test_nack_delay),
		TEST(test_lost_nack),
		TEST(test_lost_payload),
		TEST(test_lost_peer),
		TEST(test_unpackable),
		TEST(test_status),
		TEST(test_version),
		TEST(test_unreadable_payload),
		TEST(test_garbage),
	};

	log_init("test", LOG_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
