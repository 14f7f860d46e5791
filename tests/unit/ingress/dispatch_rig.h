/*
 * What the tests of dispatch share: the window between the spool and the
 * matchers, with the real spool and loop and a channel that is stood in for: it
 * holds what was put and acknowledges when told to. Included by the one file of
 * a program: it defines the functions it stands in for.
 */
#ifndef TESTS_UNIT_INGRESS_DISPATCH_RIG_H
#define TESTS_UNIT_INGRESS_DISPATCH_RIG_H

#include "ingress/dispatch.h"
#include "ingress/parked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/data/db.h"

/* ---- stand-ins ----------------------------------------------------------- */

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

static inline struct chan_item *first_of(struct list *l)
{
	return list_empty(l) ? NULL : CONTAINER_OF(
		l->next, struct chan_item, credit.node);
}

/* Leases up to n items; their tags go to log_text. */
static inline void lease(size_t n)
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

static inline struct chan_item *land(void)
{
	struct chan_item *it = first_of(&flying);

	list_remove(&it->credit.node);
	it->credit.lease = 0;
	n_flying--;
	return it;
}

static inline void ack_all(void)
{
	while (n_flying)
		ops->acked(ops_ctx, land());
}

/* ---- the house ----------------------------------------------------------- */

static char dir[64];
static struct loop *loop;
static struct spool *spool;
static struct spool_reader *reader;
static struct dispatch *dispatch;

static inline void open_all(void)
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

static inline void close_all(void)
{
	dispatch_close(dispatch);
	spool_close(spool);
	dispatch_free(dispatch);
	spool_reader_close(reader);
	loop_free(loop);
}

static inline int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-dispatch-XXXXXX");
	assert_non_null(mkdtemp(dir));
	open_all();
	return 0;
}

static inline int teardown(void **state)
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

static inline void stop(void *ctx)
{
	loop_stop(ctx);
}

/* Turns the loop for a while. */
static inline void turn(int64_t ms)
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

static inline void on_put(struct spool_put *put, const struct err *err)
{
	assert_null(err);
	for (size_t i = 0; i < put->entries.n; i++)
		dispatch_accept(dispatch, &put->entries.v[i].event,
			put->entries.v[i].seq);
	spool_put_release(put);
	free(put);
}

/* n events with tags first, first + 1, ... as one body. */
static inline void put(int first, int n)
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

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
