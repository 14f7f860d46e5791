/* How sessions begin and end, and what should not be in one. */
#include "tests/unit/proto/chan_rig.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_hello),
		TEST(test_role),
		TEST(test_hello_again),
		TEST(test_binder_restarts),
		TEST(test_bye),
		TEST(test_version),
		TEST(test_unreadable_payload),
		TEST(test_garbage),
	};

	log_init("test", LOG_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
