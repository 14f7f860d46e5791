/*
 * Intake between a channel that is played here and a store: the real one, and
 * one that fails. What chan.c does itself is its own test's matter.
 */
#include "logger/intake.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/metrics.h"
#include "proto/base/vec.h"

/* ---- the channel ----------------------------------------------------------- */

static struct {
	struct chan_ops ops;
	void *ctx;
	bool open, paused;
	VEC(int64_t) acked, nacked; /* leases */
	char nack_reason[600];
	int64_t nack_delay;
	struct store *look; /* at each ACK the row must be there */
	size_t stop_after;  /* answers */
	struct loop *loop;
} wire;

struct chan *chan_open(struct loop *l, const struct chan_config *c,
	const struct chan_ops *ops, void *ctx, struct err *err)
{
	(void)err;
	assert_false(c->sends);
	assert_string_equal(c->bind, "ipc:///nowhere");
	wire.ops = *ops;
	wire.ctx = ctx;
	wire.open = true;
	wire.loop = l;
	return (struct chan *)(void *)&wire;
}

void chan_close(struct chan *c)
{
	(void)c;
	wire.open = false;
}

size_t chan_ask(struct chan *c, const struct chan_order *o,
	chan_answer_fn *fn, void *ctx, struct err *err)
{
	(void)c;
	(void)o;
	(void)fn;
	(void)ctx;
	(void)err;
	return 0;
}

void chan_pause(struct chan *c, bool paused)
{
	(void)c;
	wire.paused = paused;
}

static void answered(void)
{
	assert_true(wire.open);
	if (wire.acked.n + wire.nacked.n == wire.stop_after)
		loop_stop(wire.loop);
}

static int seen(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	(void)ctx;
	(void)r;
	(void)at;
	return 1;
}

static const char *id_of(int64_t lease)
{
	static char id[64];

	snprintf(id, sizeof(id), "e/t/%lld/deployed", (long long)lease / 10);
	return id;
}

void chan_ack(struct chan *c, const struct chan_from *from)
{
	struct err err = {0};

	(void)c;
	if (wire.look != NULL)
		assert_int_equal(store_get(wire.look, id_of(from->lease), seen,
					 NULL, &err), 1);
	VEC_PUSH(&wire.acked, from->lease);
	answered();
}

void chan_nack(struct chan *c, const struct chan_from *from, int64_t delay_ms,
	const char *reason)
{
	(void)c;
	VEC_PUSH(&wire.nacked, from->lease);
	wire.nack_delay = delay_ms;
	snprintf(wire.nack_reason, sizeof(wire.nack_reason), "%s", reason);
	answered();
}

/* The tens of the lease are the attempt, and so the row. */
static void send_row(int64_t lease, bool final)
{
	struct event e = {.id = (char *)(uintptr_t)"e"};
	struct chan_from from = {.peer = 1, .lease = lease};
	struct msg m = {.type = MSG_RECORD};

	record_from_event(&m.u.record, &e, "t", lease / 10, "deployed", 1000);
	m.u.record.final = final;
	wire.ops.deliver(wire.ctx, &from, &m);
	msg_release(&m);
}

/* ---- a store that does as it is told ------------------------------------------ */

static struct {
	struct store base;
	bool full;
	VEC(struct store_put *) waiting;
} slow;

static int slow_put(struct store *s, struct store_put *put)
{
	(void)s;
	if (slow.full)
		return -1;
	VEC_PUSH(&slow.waiting, put);
	return 0;
}

static const struct store_driver slow_driver = {.names = {"slow"},
	.put = slow_put};

static void slow_end(const struct err *err)
{
	for (size_t i = 0; i < slow.waiting.n; i++) {
		slow.waiting.v[i]->outcome = STORE_NEW;
		slow.waiting.v[i]->done(slow.waiting.v[i], err);
	}
	slow.waiting.n = 0;
}

/* ---- the parts ------------------------------------------------------------------ */

static char dir[32];
static int out[2];
static struct loop *loop;
static struct intake_config config;
static struct intake *in;

static int setup(void **state)
{
	struct err err = {0};

	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/pullwire-in-XXXXXX");
	if (!mkdtemp(dir) || pipe(out) < 0)
		return -1;
	memset(&wire, 0, sizeof(wire));
	memset(&slow, 0, sizeof(slow));
	slow.base.driver = &slow_driver;
	loop = loop_new();
	config = (struct intake_config){.loop = loop,
		.processes = processes_new(), .bind = "ipc:///nowhere",
		.instance = "l",
		.output = output_start(out[1], OUTPUT_JSON, &err)};
	return 0;
}

static void open_with(struct store *s)
{
	struct err err = {0};

	config.store = s;
	in = intake_open(&config, &err);
	assert_non_null(in);
}

static void run(size_t answers)
{
	wire.stop_after = answers;
	if (wire.acked.n + wire.nacked.n < answers)
		loop_run(loop);
}

static int teardown(void **state)
{
	char *cmd = xprintf("rm -rf '%s'", dir);

	(void)state;
	intake_close(in);
	intake_free(in);
	loop_free(loop);
	output_stop(config.output, 5000);
	processes_free(config.processes);
	close(out[0]);
	close(out[1]);
	VEC_RELEASE(&wire.acked);
	VEC_RELEASE(&wire.nacked);
	VEC_RELEASE(&slow.waiting);
	assert_int_equal(system(cmd), 0);
	free(cmd);
	return 0;
}

/* All that was printed, once no more comes. */
static size_t printed(struct strbuf *sb)
{
	char buf[4096];
	size_t lines = 0;
	ssize_t n;

	output_stop(config.output, 5000);
	config.output = NULL;
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	while ((n = read(out[0], buf, sizeof(buf))) > 0)
		strbuf_add(sb, buf, (size_t)n);
	for (size_t i = 0; i < sb->len; i++)
		lines += sb->buf[i] == '\n';
	return lines;
}

/* ---- tests ---------------------------------------------------------------------- */

static void acknowledged_when_on_disk_printed_once(void **state)
{
	char *url = xprintf("sqlite:%s/log.db", dir);
	struct strbuf sb = {0};
	struct err err = {0};
	struct store *s = store_open(&(struct store_config){.url = url}, &err);

	(void)state;
	assert_non_null(s);
	metrics_reset();
	open_with(s);
	wire.look = s;
	send_row(10, true);
	send_row(11, true);  /* the same row again */
	send_row(20, true);  /* a second final row */
	send_row(30, false);
	send_row(21, true);  /* and that one again */
	run(5);
	send_row(12, true); /* in a later group too */
	run(6);
	assert_int_equal(wire.acked.n, 6);
	assert_int_equal(wire.nacked.n, 0);
	assert_true(intake_drained(in));
	assert_int_equal(metric_get(METRIC_ROWS, "t", "deployed"), 3);
	assert_int_equal(metric_get(METRIC_ROWS_REPEATED, NULL, NULL), 3);
	assert_int_equal(metric_get(METRIC_ROWS_EXTRA_FINAL, NULL, NULL), 1);
	assert_int_equal(metric_get(METRIC_ROWS_REFUSED, NULL, NULL), 0);
	assert_int_equal(printed(&sb), 3);
	assert_non_null(strstr(strbuf_cstr(&sb),
		"\"final\":false,\"reason\":\"(a final row exists already)\""));
	strbuf_release(&sb);
	intake_close(in);
	store_close(s);
	free(url);
}

static void given_back_when_it_cannot_be_stored(void **state)
{
	const struct err full = {.cls = ERR_RETRY, .text = "the disk is full"};
	struct strbuf sb = {0};
	struct err err = {0};

	(void)state;
	metrics_reset();
	open_with(&slow.base);
	assert_int_equal(intake_check(in, clock_mono(), &err), 0);
	send_row(10, true);
	assert_false(intake_drained(in));
	slow_end(&full);
	run(1);
	assert_int_equal(wire.nacked.n, 1);
	assert_string_equal(wire.nack_reason, "the disk is full");
	assert_int_equal(wire.nack_delay, 1000);
	assert_int_equal(intake_check(in, clock_mono(), &err), -1);
	assert_string_equal(err.text, "the disk is full");
	/* When its senders have gone, nothing would ever prove it sound. */
	assert_int_equal(intake_check(in, clock_mono() + 60000, &err), 0);

	send_row(10, true);
	slow_end(NULL);
	run(2);
	assert_int_equal(wire.acked.n, 1);
	assert_int_equal(intake_check(in, clock_mono(), &err), 0);

	slow.full = true; /* too many wait: told at once */
	send_row(20, true);
	assert_int_equal(wire.nacked.n, 2);
	assert_true(intake_drained(in));
	assert_int_equal(metric_get(METRIC_ROWS_REFUSED, NULL, NULL), 2);
	assert_int_equal(printed(&sb), 1);
	strbuf_release(&sb);
}

static void only_records_are_taken(void **state)
{
	struct chan_from from = {.peer = 1, .lease = 7};
	struct msg m = {.type = MSG_JOB};

	(void)state;
	open_with(&slow.base);
	wire.ops.deliver(wire.ctx, &from, &m);
	assert_int_equal(wire.nacked.n, 1);
	assert_int_equal(slow.waiting.n, 0);
}

/* Rows that end after the link is closed are answered to nobody, and rows
 * that nobody was told about are freed. */
static void closing_with_rows_under_way(void **state)
{
	(void)state;
	open_with(&slow.base);
	send_row(10, true);
	send_row(20, true);
	intake_drain(in);
	assert_true(wire.paused);
	assert_false(intake_drained(in));
	intake_close(in);
	slow_end(NULL);
	assert_int_equal(wire.acked.n, 0);
}

static void processes_are_told(void **state)
{
	struct chan_peer p = {.peer = 1, .role = "matcher", .instance = "m"};
	struct msg_status s = {.role = (char *)(uintptr_t)"matcher",
		.instance = (char *)(uintptr_t)"m", .time = 1, .ready = true};
	struct strbuf sb = {0};

	(void)state;
	open_with(&slow.base);
	wire.ops.peer(wire.ctx, &p, true);
	wire.ops.status(wire.ctx, &s);
	assert_true(processes_json(config.processes, clock_mono(), false, &sb));
	assert_non_null(strstr(strbuf_cstr(&sb), "\"instance\":\"m\""));
	p.bye = true;
	wire.ops.peer(wire.ctx, &p, false);
	strbuf_truncate(&sb, 0);
	processes_json(config.processes, clock_mono(), false, &sb);
	assert_null(strstr(strbuf_cstr(&sb), "\"instance\":\"m\""));
	strbuf_release(&sb);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(acknowledged_when_on_disk_printed_once),
		T(given_back_when_it_cannot_be_stored),
		T(only_records_are_taken),
		T(closing_with_rows_under_way),
		T(processes_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
