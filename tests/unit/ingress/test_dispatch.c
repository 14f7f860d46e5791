/*
 * The window between the spool and the matchers, with the real spool and loop
 * and a channel that is stood in for: it holds what was put and acknowledges
 * when told to.
 */
#include "ingress/dispatch.h"
#include "ingress/parked.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/data/db.h"

/* ---- stand-ins ---------------------------------------------------------------- */

static const struct chan_ops *ops;
static void *ops_ctx;
static struct list ready_items, flying; /* of chan_item.credit.node */
static size_t n_ready, n_flying, most;
static char log_text[1 << 16];
static VEC(struct record) rows;

struct chan *chan_open(struct loop *l, const struct chan_config *c,
	const struct chan_ops *o, void *ctx, struct err *err)
{
	(void)l;
	(void)err;
	assert_true(c->sends);
	assert_string_equal(c->expect_role, "matcher");
	list_init(&ready_items);
	list_init(&flying);
	n_ready = n_flying = most = 0;
	ops = o;
	ops_ctx = ctx;
	return (struct chan *)(void *)&ops;
}

void chan_close(struct chan *c)
{
	(void)c;
}

void chan_put(struct chan *c, struct chan_item *item)
{
	(void)c;
	assert_int_equal(item->type, MSG_EVENT);
	list_push_back(&ready_items, &item->credit.node);
	if (++n_ready + n_flying > most)
		most = n_ready + n_flying;
}

void chan_remove(struct chan *c, struct chan_item *item)
{
	(void)c;
	list_remove(&item->credit.node);
	if (item->credit.lease)
		n_flying--;
	else
		n_ready--;
}

size_t chan_peers(const struct chan *c)
{
	(void)c;
	return 1;
}

size_t chan_in_flight(const struct chan *c)
{
	(void)c;
	return n_flying;
}

void outbox_observe(struct outbox *o, struct record *r)
{
	(void)o;
	VEC_PUSH(&rows, *r);
	memset(r, 0, sizeof(*r));
}

static struct chan_item *first_of(struct list *l)
{
	return list_empty(l) ? NULL : CONTAINER_OF(
		l->next, struct chan_item, credit.node);
}

/* Leases up to n items; their tags go to log_text. */
static void lease(size_t n)
{
	struct chan_item *it;

	while (n-- && (it = first_of(&ready_items))) {
		const struct event *e = it->body;
		size_t used = strlen(log_text);

		list_remove(&it->credit.node);
		it->credit.lease = 1;
		list_push_back(&flying, &it->credit.node);
		n_ready--;
		n_flying++;
		if (used < sizeof(log_text) - 200)
			snprintf(log_text + used, sizeof(log_text) - used,
				"%s ", e->tag);
		ops->sent(ops_ctx, it);
	}
}

static struct chan_item *land(void)
{
	struct chan_item *it = first_of(&flying);

	list_remove(&it->credit.node);
	it->credit.lease = 0;
	n_flying--;
	return it;
}

static void ack_all(void)
{
	while (n_flying)
		ops->acked(ops_ctx, land());
}

/* ---- the house ------------------------------------------------------------------ */

static char dir[64];
static struct loop *loop;
static struct spool *spool;
static struct spool_reader *reader;
static struct dispatch *dispatch;

static void open_all(void)
{
	struct err err = {0};
	struct dispatch_config c = {
		.link = "ipc:///nowhere", .aside_ms = 300};

	log_text[0] = '\0';
	c.loop = loop = loop_new();
	c.spool = spool = spool_open(dir, &err);
	c.reader = reader = spool_reader_open(dir, &err);
	dispatch = dispatch_open(&c, &err);
	if (!dispatch)
		fail_msg("%s", err.text);
}

static void close_all(void)
{
	dispatch_close(dispatch);
	spool_close(spool);
	dispatch_free(dispatch);
	spool_reader_close(reader);
	loop_free(loop);
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-dispatch-XXXXXX");
	assert_non_null(mkdtemp(dir));
	open_all();
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	close_all();
	for (size_t i = 0; i < rows.n; i++)
		field_release(&record_table, &rows.v[i]);
	VEC_RELEASE(&rows);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : -1;
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

/* Turns the loop for a while. */
static void turn(int64_t ms)
{
	loop_timer_start(loop, ms, 0, stop, loop);
	loop_run(loop);
}

/* Turns it until the condition holds, 10 s at most. */
#define TURN_UNTIL(condition) \
	do { \
		for (int t_ = 0; t_ < 1000 && !(condition); t_++) \
			turn(10); \
		assert_true(condition); \
	} while (0)

static void on_put(struct spool_put *put, const struct err *err)
{
	assert_null(err);
	for (size_t i = 0; i < put->entries.n; i++)
		dispatch_accept(dispatch, &put->entries.v[i].event,
			put->entries.v[i].seq);
	spool_put_release(put);
	free(put);
}

/* n events with tags first, first + 1, ... as one body. */
static void put(int first, int n)
{
	struct spool_put *p = xcalloc(1, sizeof(*p));

	p->done = on_put;
	for (int i = 0; i < n; i++) {
		struct event e = {0};
		struct err err = {0};
		char id[UID_LEN];

		e.id = xstrdup(uid_new(1000, id));
		e.time = uid_time(e.id);
		e.source = xstrdup("src");
		e.repository = xstrdup("a");
		e.tag = xprintf("%d", first + i);
		assert_int_equal(spool_put_add(p, &e, &err), 0);
	}
	assert_int_equal(spool_put_start(spool, p), 0);
}

/* ---- tests ---- */

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

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order_and_done),
		TEST(test_nack_and_crash),
		TEST(test_window),
		TEST(test_refused_step_aside),
		TEST(test_damaged),
		TEST(test_parked_and_released),
		TEST(test_released_before_it_is_read),
		TEST(test_drain),
		TEST(test_mark_again),
	};

	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
