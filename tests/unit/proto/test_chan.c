/*
 * chan.c case by case, in the world of sim.h: who says what when, and how
 * soon. test_chan_sessions.c has how a session begins and what should not be
 * in it, test_chan_sim.c the storms, test_chan_real.c real sockets.
 */
#include "tests/unit/proto/chan_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_window_and_pause),
		TEST(test_ack_together),
		TEST(test_nack_delay),
		TEST(test_lost_nack),
		TEST(test_lost_payload),
		TEST(test_lost_peer),
		TEST(test_unpackable),
		TEST(test_status),
	};

	log_init("test", LOG_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
