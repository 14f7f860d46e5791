#include "logger/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

#define HOUR_MS 3600000

static char dir[32];
static struct store *store;
static struct loop *loop;
static atomic_int left;

static int setup(void **state)
{
	struct err err = {0};
	char *url;

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-ret-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	url = xprintf("sqlite:%s/log.db", dir);
	store = store_open(&(struct store_config){.url = url}, &err);
	free(url);
	loop = loop_new();
	return store ? 0 : -1;
}

static int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	loop_free(loop);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

static void put_done(struct store_put *put, const struct err *err)
{
	assert_null(err);
	field_release(&record_table, &put->record);
	free(put);
	left--;
}

static void put_rows(int n, int64_t time)
{
	left = n;
	for (int i = 0; i < n; i++) {
		struct store_put *put = xcalloc(1, sizeof(*put));
		char *id = xprintf("%lld-%d", (long long)time, i);
		struct event e = {.id = id};

		put->done = put_done;
		record_from_event(&put->record, &e, "t", 1, "deployed", time);
		free(id);
		assert_int_equal(store_put(store, put), 0);
	}
	while (left > 0)
		clock_sleep(1);
}

static int count_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	(void)r;
	(void)at;
	++*(int *)ctx;
	return 0;
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

/* More than two batches of old rows, among newer ones. */
static void old_rows_go_new_ones_stay(void **state)
{
	int64_t now = clock_wall();
	struct retention *r;
	struct err err = {0};
	struct query q;
	int rows = 0;

	(void)state;
	put_rows(1100, now - HOUR_MS - 60000);
	put_rows(7, now - HOUR_MS + 60000);
	r = retention_start(loop, store, HOUR_MS, 0);
	loop_timer_start(loop, 1500, 0, stop, NULL);
	loop_run(loop);
	assert_int_equal(retention_pruned(r), 1100);
	query_init(&q);
	q.limit = 10000;
	assert_int_equal(store_query(store, &q, count_row, &rows, &err), 0);
	assert_int_equal(rows, 7);
	retention_stop(r);
	store_close(store);
	retention_free(r);
}

/* A batch that is under way when all stops. */
static void stopping_in_between(void **state)
{
	struct retention *r = retention_start(loop, store, HOUR_MS, 0);

	(void)state;
	loop_timer_start(loop, 51, 0, stop, NULL);
	loop_run(loop);
	retention_stop(r);
	store_close(store);
	retention_free(r);
	retention_free(NULL);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(old_rows_go_new_ones_stay),
		T(stopping_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
