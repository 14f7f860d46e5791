/* Events to matchers: their order, the window, a drain, marks that repeat. */
#include "tests/unit/ingress/dispatch_rig.h"

static void test_order_and_done(void **state)
{
	(void)state;
	put(1, 3);
	put(4, 2);
	TURN_UNTIL(n_ready == 5);
	assert_int_equal(dispatch_pending(dispatch), 5);
	lease(3);
	assert_int_equal(dispatch_in_flight(dispatch), 3);
	ack_all();
	TURN_UNTIL(dispatch_pending(dispatch) == 2);
	assert_true(dispatch_drained(dispatch));
	close_all();
	/* What was acknowledged is done, the rest comes again. */
	open_all();
	TURN_UNTIL(n_ready == 2);
	lease(10);
	assert_string_equal(log_text, "4 5 ");
}

/* A NACK leaves it with the channel; a crash (no ACK) leaves it pending. */
static void test_nack_and_crash(void **state)
{
	struct chan_item *it;

	(void)state;
	put(1, 2);
	TURN_UNTIL(n_ready == 2);
	lease(2);
	it = land();
	chan_put(NULL, it);
	ops->nacked(ops_ctx, it, "busy");
	assert_int_equal(n_ready, 1);
	assert_int_equal(dispatch_pending(dispatch), 2);
	close_all();
	open_all();
	TURN_UNTIL(n_ready == 2);
}

/* Far more events than fit: bounded memory, all of them, in order, once. */
#define MANY 25000

static void test_window(void **state)
{
	char want[64];
	int next = 0, seen = 0;
	const char *p;

	(void)state;
	for (; next < MANY; next += 500)
		put(next, 500);
	TURN_UNTIL(dispatch_pending(dispatch) == MANY);
	TURN_UNTIL(n_ready == DISPATCH_WINDOW);
	while (seen < MANY) {
		log_text[0] = '\0';
		lease(700);
		for (p = log_text; *p; seen++) {
			snprintf(want, sizeof(want), "%d ", seen);
			assert_true(!strncmp(p, want, strlen(want)));
			p += strlen(want);
		}
		ack_all();
		turn(1);
		/* More come in while the backlog is read. */
		if (next < MANY + 1000)
			put(next++, 1);
	}
	assert_true(most <= DISPATCH_WINDOW);
	for (int i = 0; i < 2000 && dispatch_pending(dispatch) > 0; i++) {
		lease(1000);
		ack_all();
		turn(5);
	}
	assert_int_equal(dispatch_pending(dispatch), 0);
	assert_int_equal(n_ready, 0);
	/* The window is empty: new ones go straight through again. */
	put(7, 1);
	TURN_UNTIL(n_ready == 1);
}

/* What is on its way may come home, nothing new goes out. */
static void test_drain(void **state)
{
	struct chan_item *it;

	(void)state;
	put(1, 4);
	TURN_UNTIL(n_ready == 4);
	lease(2);
	dispatch_drain(dispatch);
	assert_int_equal(n_ready, 0);
	assert_false(dispatch_drained(dispatch));
	put(5, 1);
	turn(50);
	assert_int_equal(n_ready, 0);
	ops->acked(ops_ctx, land());
	it = land();
	chan_put(NULL, it);
	ops->nacked(ops_ctx, it, "stopping too");
	TURN_UNTIL(dispatch_drained(dispatch));
	close_all();
	open_all();
	TURN_UNTIL(n_ready == 4);
	lease(10);
	assert_string_equal(log_text, "2 3 4 5 ");
}

/* Marks that fail are written later. */
static void test_mark_again(void **state)
{
	char path[96];
	struct err err = {0};
	struct db *db;

	(void)state;
	put(1, 2);
	TURN_UNTIL(n_ready == 2);
	snprintf(path, sizeof(path), "%s/spool.db", dir);
	db = db_open(path, &spool_schema, false, &err);
	assert_int_equal(db_exec(db, "create trigger no before update on event"
		" begin select raise(fail, 'no'); end", &err), 0);
	lease(2);
	ack_all();
	TURN_UNTIL(!spool_healthy(spool));
	turn(50);
	assert_false(dispatch_drained(dispatch));
	assert_int_equal(dispatch_pending(dispatch), 2);
	assert_int_equal(db_exec(db, "drop trigger no", &err), 0);
	db_close(db);
	dispatch_tick(dispatch);
	TURN_UNTIL(dispatch_drained(dispatch));
	assert_int_equal(dispatch_pending(dispatch), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_done),
		TEST(test_nack_and_crash),
		TEST(test_window),
		TEST(test_drain),
		TEST(test_mark_again),
	};

	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
