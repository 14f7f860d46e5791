/* What is not delivered: refused, damaged, parked and released by hand. */
#include "tests/unit/ingress/dispatch_rig.h"

#include <fcntl.h>

/* More refused events than fit in memory do not hold what comes behind. */
#define REFUSED 24000
#define OTHERS 3000

static void decide(struct chan_item *it, bool refuse, size_t *done)
{
	const struct event *e = it->body;

	if (refuse && strtol(e->tag, NULL, 10) < REFUSED) {
		chan_put(NULL, it);
		ops->nacked(ops_ctx, it, "the lane is away");
	} else {
		ops->acked(ops_ctx, it);
		++*done;
	}
}

static void test_refused_step_aside(void **state)
{
	int next = 0;
	size_t done = 0;

	(void)state;
	for (; next < REFUSED + OTHERS; next += 500)
		put(next, 500);
	for (int i = 0; i < 5000 && done < OTHERS; i++) {
		lease(500);
		while (n_flying)
			decide(land(), true, &done);
		turn(1);
	}
	assert_int_equal(done, OTHERS);
	assert_true(most <= DISPATCH_WINDOW);
	/* What is new goes through at once: half of the window is free. */
	put(next, 1);
	for (int i = 0; i < 5000 && done < OTHERS + 1; i++) {
		lease(500);
		while (n_flying)
			decide(land(), true, &done);
		turn(1);
	}
	assert_int_equal(done, OTHERS + 1);
	TURN_UNTIL(dispatch_pending(dispatch) == REFUSED);
	/* The lane is back: all of them come, each once. */
	for (int i = 0; i < 5000 && done < REFUSED + OTHERS + 1; i++) {
		lease(500);
		while (n_flying)
			decide(land(), false, &done);
		turn(5);
		dispatch_tick(dispatch); /* as the daemon's timer does */
	}
	assert_int_equal(done, REFUSED + OTHERS + 1);
	TURN_UNTIL(dispatch_pending(dispatch) == 0);
	assert_int_equal(n_ready, 0);
}

static void test_damaged(void **state)
{
	char path[96];
	struct err err = {0};
	struct db *db;

	(void)state;
	put(1, 3);
	TURN_UNTIL(n_ready == 3);
	close_all();
	snprintf(path, sizeof(path), "%s/spool.db", dir);
	db = db_open(path, &spool_schema, false, &err);
	assert_int_equal(db_exec(db, "update event set sum = 'x'"
		" where seq = 2", &err), 0);
	db_close(db);
	open_all();
	TURN_UNTIL(n_ready == 2);
	lease(10);
	assert_string_equal(log_text, "1 3 ");
	assert_int_equal(rows.n, 1);
	assert_string_equal(rows.v[0].status, "failed");
	assert_non_null(strstr(rows.v[0].reason, "damaged"));
	assert_true(rows.v[0].final);
	TURN_UNTIL(dispatch_pending(dispatch) == 2);
	close_all();
	open_all();
	TURN_UNTIL(n_ready == 2);
	/* Told again at the start, for nobody may have got the first. */
	assert_int_equal(rows.n, 2);
	assert_string_equal(rows.v[1].id, rows.v[0].id);
	assert_string_equal(rows.v[1].reason, rows.v[0].reason);
	assert_true(rows.v[1].final);
}

static bool is_file(const char *prefix, const char *id, bool make)
{
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s%s", dir, prefix, id);
	fd = open(path, make ? O_WRONLY | O_CREAT : O_RDONLY, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* An order to release is there until it is carried out on the disk, also when
 * the process dies on the way; one that finds nothing goes, too. */
static void test_parked_and_released(void **state)
{
	struct chan_item *it;
	char id[UID_LEN];

	(void)state;
	put(1, 1);
	TURN_UNTIL(n_ready == 1);
	lease(1);
	it = first_of(&flying);
	it->credit.deaths = PARKED_DEATHS;
	ops->died(ops_ctx, it);
	assert_int_equal(rows.n, 1);
	snprintf(id, sizeof(id), "%s", rows.v[0].event);
	TURN_UNTIL(dispatch_pending(dispatch) == 0);
	close_all();
	open_all();
	turn(20);
	assert_int_equal(n_ready, 0);
	assert_int_equal(rows.n, 2); /* told again at the start */
	assert_string_equal(rows.v[1].id, rows.v[0].id);
	assert_string_equal(rows.v[1].reason, rows.v[0].reason);
	assert_false(rows.v[1].final);
	assert_true(is_file("releasing-", id, true));
	parked_tick(loop, spool, dispatch, dir);
	turn(20);
	assert_int_equal(n_ready, 0);
	parked_start(dir);
	assert_true(is_file("release-", id, false));
	for (int i = 0; i < 2; i++) {
		parked_tick(loop, spool, dispatch, dir);
		assert_false(is_file("release-", id, false));
		TURN_UNTIL(n_ready == 1);
		TURN_UNTIL(!is_file("releasing-", id, false));
		assert_true(is_file("release-", id, true));
	}
	/* One that is on its way when the loop ends leaks nothing. */
	parked_tick(loop, spool, dispatch, dir);
}

/* One that is released while it has yet to be read from the disk comes once. */
static void test_released_before_it_is_read(void **state)
{
	(void)state;
	put(1, 1200);
	TURN_UNTIL(n_ready == 1200);
	close_all();
	open_all();
	assert_true(n_ready < 1100);
	dispatch_again(dispatch, 1100);
	TURN_UNTIL(n_ready >= 1200);
	turn(50);
	assert_int_equal(n_ready, 1200);
	lease(1);
	ack_all();
	/* One that was read comes from beside the queue. */
	dispatch_again(dispatch, 1100);
	TURN_UNTIL(n_ready == 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused_step_aside),
		TEST(test_damaged),
		TEST(test_parked_and_released),
		TEST(test_released_before_it_is_read),
	};

	return cmocka_run_group_tests_name("dispatch_parked", tests, NULL, NULL);
}
