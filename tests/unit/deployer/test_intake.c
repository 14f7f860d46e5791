/* A queue that is full: what was sent is kept, nothing more is asked for, and
 * whoever looks is told why. */
#include "tests/unit/deployer/fake_world.h"

#include "deployer/queue/queue.h"
#include "proto/base/log.h"

#define FULL 100000 /* OPEN_MAX of intake.c */
#define ROOM 90000  /* when jobs are taken again */
#define LATE 64     /* a window: sent on credit of before */
#define BATCH 1000  /* delivered at once */
#define ORDERS 200  /* given at once */

static const char conf_text[] =
	"triggers: [{name: tell, repository: shop/web,\n"
	"            url: 'https://example.com/'}]\n"
	/* Nothing is posted while we look. */
	"deployer: {state: '@', lanes: [http], schedule: [24h]}\n";

static char ids[FULL + LATE + 1][UID_LEN];
static int delivered, cancelled, asked;

static int setup(void **state)
{
	int rc = world_setup(state);

	log_init("deployer", LOG_ERROR);
	configure(conf_text);
	return rc;
}

static bool all_acked(void)
{
	return world.acks == delivered;
}

static bool all_answered(void)
{
	return world.answers == asked;
}

static bool is_paused(void)
{
	return world.paused;
}

static bool goes_on(void)
{
	return !world.paused;
}

static void deliver_upto(int n)
{
	while (delivered < n) {
		int end = delivered + BATCH < n ? delivered + BATCH : n;

		for (; delivered < end; delivered++)
			deliver(uid_new(clock_wall(), ids[delivered]), "tell",
				"http", "v1", clock_wall());
		run_until(all_acked);
	}
}

static void cancel_upto(int n)
{
	while (cancelled < n) {
		int end = cancelled + ORDERS < n ? cancelled + ORDERS : n;

		world.answers = 0;
		asked = end - cancelled;
		for (; cancelled < end; cancelled++) {
			char *args = xprintf(
				"{\"job\":\"%s/tell\"}", ids[cancelled]);

			order("cancel", args);
			free(args);
		}
		run_until(all_answered);
		assert_true(world.answer.ok);
	}
}

static void test_full(void **state)
{
	(void)state;
	start_process();
	deliver_upto(FULL - 1);
	assert_false(world.paused);
	assert_string_equal(world.not_ready, "");
	deliver_upto(FULL);
	assert_true(world.paused);
	assert_non_null(strstr(world.not_ready,
		"the queue is full with 100000 jobs: pushes wait in ingress"));
	/* What was on its way is taken all the same. */
	deliver_upto(FULL + LATE);
	assert_int_equal(world.nacks, 0);
	assert_int_equal(queue_len(world.d->queue), FULL + LATE);
	stop_process();

	/* So it is for the next process, which finds them on its disk. */
	world.paused = false;
	start_process();
	run_until(is_paused);
	assert_non_null(strstr(world.not_ready, "the queue is full"));
	assert_int_equal(queue_len(world.d->queue), FULL + LATE);
	cancel_upto(FULL + LATE - ROOM - 1);
	deliver_upto(FULL + LATE + 1); /* each look at the room is at one */
	assert_true(world.paused);
	cancel_upto(FULL + LATE + 1 - ROOM);
	run_until(goes_on);
	assert_string_equal(world.not_ready, "");
	assert_int_equal(finals(), FULL + LATE + 1 - ROOM);
	stop_process();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_full, setup, world_teardown),
	};

	return cmocka_run_group_tests_name("intake", tests, NULL, NULL);
}
