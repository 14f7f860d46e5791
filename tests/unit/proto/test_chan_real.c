/*
 * chan.c over real sockets between real processes, which are killed and
 * stopped: this program starts itself again as a receiver. A receiver commits
 * by counting in a file that all share.
 */
#include "proto/daemon/chan.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define ITEMS 10000
#define RECEIVERS 3
#define LOST_MS 2500 /* half the default, to be done sooner */

struct shared {
	int commits[ITEMS];
	int by[RECEIVERS]; /* how many each slot took */
};

static char folder[64], file[96];
static struct shared *shared;

static struct shared *map_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, sizeof(struct shared)) == 0)
		p = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
			MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		log_fatal("%s cannot be mapped", path);
	close(fd);
	return p;
}

/* ---- the receiver's process ---------------------------------------------- */

struct receiver {
	struct chan *chan;
	int slot;
	struct chan_from late[64]; /* some are answered later, and not in turn */
	size_t n_late;
};

static void answer_late(struct receiver *r)
{
	while (r->n_late > 0)
		chan_ack(r->chan, &r->late[--r->n_late]);
}

static void on_deliver(void *ctx, const struct chan_from *from,
	const struct msg *m)
{
	struct receiver *r = ctx;
	int64_t i = m->u.event.time;

	if (i % 97 == 3 && __atomic_load_n(&shared->commits[i],
				__ATOMIC_RELAXED) == 0 && i % 2 == r->slot % 2) {
		chan_nack(r->chan, from, 10, "not here");
		return;
	}
	__atomic_fetch_add(&shared->commits[i], 1, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&shared->by[r->slot], 1, __ATOMIC_SEQ_CST);
	if (i % 5 == 0 && r->n_late < ARRAY_LEN(r->late))
		r->late[r->n_late++] = *from;
	else
		chan_ack(r->chan, from);
}

static void on_late(void *ctx)
{
	answer_late(ctx);
}

static int receive(const char *how, const char *endpoint, const char *slot,
	const char *path)
{
	static const struct chan_ops ops = {.deliver = on_deliver};
	struct receiver r = {.slot = slot[0] - '0'};
	struct loop *l = loop_new();
	struct chan_config c = {
		.name = "receiver",
		.bind = strcmp(how, "bind") == 0 ? endpoint : NULL,
		.connect = &endpoint,
		.n_connect = 1,
		.role = "matcher",
		.instance = slot,
		.expect_role = "ingress",
		.window = 32,
		.limits = {.lost_ms = LOST_MS},
	};
	struct err err;

	shared = map_file(path);
	/* The one before us may only just have been killed. */
	for (int i = 0; i < 3000 && r.chan == NULL; i++) {
		r.chan = chan_open(l, &c, &ops, &r, &err);
		if (r.chan == NULL)
			clock_sleep(20);
	}
	if (r.chan == NULL)
		log_fatal("%s", err.text);
	loop_timer_start(l, 20, 20, on_late, &r);
	loop_run(l);
	return 0;
}

/* ---- the sender's process ------------------------------------------------ */

struct item {
	struct chan_item chan;
	struct event event;
	int acked;
};

static struct sender {
	struct loop *loop;
	struct chan *chan;
	struct item *items;
	int put, acked, ups, downs;
	pid_t pids[RECEIVERS];
	bool binds;
	unsigned seed;
	int64_t end;
	int kills;
} me;

static void endpoint_of(int slot, char *out, size_t n)
{
	snprintf(out, n, "ipc://%s/%s%d", folder, me.binds ? "all" : "r",
		me.binds ? 0 : slot);
}

static void spawn(int slot)
{
	char endpoint[96], text[2] = {(char)('0' + slot), '\0'};

	endpoint_of(slot, endpoint, sizeof(endpoint));
	me.pids[slot] = fork();
	assert_true(me.pids[slot] >= 0);
	if (me.pids[slot] == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "receiver",
			me.binds ? "connect" : "bind", endpoint, text, file,
			(char *)NULL);
		_exit(127);
	}
}

static void reap(int slot, int signo)
{
	if (me.pids[slot] <= 0)
		return;
	kill(me.pids[slot], signo);
	kill(me.pids[slot], SIGCONT);
	waitpid(me.pids[slot], NULL, 0);
	me.pids[slot] = 0;
}

static void on_acked(void *ctx, struct chan_item *ci)
{
	struct item *it = CONTAINER_OF(ci, struct item, chan);
	struct sender *s = ctx;

	it->acked++;
	s->acked++;
	if (__atomic_load_n(&shared->commits[it->event.time],
		    __ATOMIC_SEQ_CST) == 0)
		it->acked = 1000; /* before anyone had it: seen at the end */
	if (s->acked == ITEMS)
		loop_stop(s->loop);
}

static void on_peer(void *ctx, const struct chan_peer *peer, bool up)
{
	struct sender *s = ctx;

	assert_string_equal(peer->role, "matcher");
	s->ups += up;
	s->downs += !up;
}

static const struct chan_ops ops = {.acked = on_acked, .peer = on_peer};

static void open_sender(bool binds)
{
	static char texts[RECEIVERS][96];
	const char *endpoints[RECEIVERS];
	struct chan_config c = {.name = "sender", .sends = true,
		.connect = endpoints, .n_connect = RECEIVERS,
		.role = "ingress", .instance = "s", .expect_role = "matcher",
		.limits = {.lost_ms = LOST_MS}};
	struct err err;

	me.binds = binds;
	for (int i = 0; i < RECEIVERS; i++) {
		endpoint_of(i, texts[i], sizeof(texts[i]));
		endpoints[i] = texts[i];
	}
	if (binds)
		c.bind = texts[0];
	me.loop = loop_new();
	me.chan = chan_open(me.loop, &c, &ops, &me, &err);
	if (me.chan == NULL)
		fail_msg("%s", err.text);
	me.items = xcalloc(ITEMS, sizeof(*me.items));
	for (int i = 0; i < ITEMS; i++) {
		struct item *it = &me.items[i];

		it->event = (struct event){.id = "id", .source = "s",
			.repository = "shop/web", .tag = "v1", .time = i};
		it->chan.type = MSG_EVENT;
		it->chan.body = &it->event;
	}
}

static void on_end(void *ctx)
{
	struct sender *s = ctx;

	if (clock_mono() >= s->end)
		loop_stop(s->loop);
}

static void run(int64_t ms)
{
	struct loop_timer *t;

	me.end = clock_mono() + ms;
	t = loop_timer_start(me.loop, 10, 10, on_end, &me);
	loop_run(me.loop);
	loop_timer_cancel(&t);
}

/* Until so many are acknowledged, or a minute is over. */
static void run_until_acked(int n)
{
	for (int i = 0; i < 3000 && me.acked < n; i++)
		run(20);
	assert_int_equal(me.acked, n);
}

static int start(void **state)
{
	(void)state;
	memset(&me, 0, sizeof(me));
	snprintf(folder, sizeof(folder), "/tmp/pullwire-chan-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/shared", folder);
	shared = map_file(file);
	return 0;
}

static int stop(void **state)
{
	char command[128];

	(void)state;
	for (int i = 0; i < RECEIVERS; i++)
		reap(i, SIGKILL);
	chan_close(me.chan);
	loop_free(me.loop);
	free(me.items);
	munmap(shared, sizeof(*shared));
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void check_all(void)
{
	for (int i = 0; i < ITEMS; i++) {
		if (me.items[i].acked != 1)
			fail_msg("item %d is acknowledged %d times", i,
				me.items[i].acked);
		assert_true(shared->commits[i] > 0);
	}
	assert_int_equal(chan_in_flight(me.chan), 0);
	assert_int_equal(chan_ready(me.chan), 0);
}

/* One event of the storm: a receiver is killed, and another takes its place,
 * or one is stopped, or goes on. Meanwhile more is put. */
static void on_storm(void *ctx)
{
	struct sender *s = ctx;
	int slot = (int)((unsigned)rand_r(&s->seed) % RECEIVERS);

	if (s->kills % 4 == 3) {
		kill(s->pids[slot], SIGSTOP);
		kill(s->pids[(slot + 1) % RECEIVERS], SIGCONT);
	} else {
		reap(slot, SIGKILL);
		spawn(slot);
	}
	s->kills++;
}

static void on_put(void *ctx)
{
	struct sender *s = ctx;

	for (int i = 0; i < 40 && s->put < ITEMS; i++)
		chan_put(s->chan, &s->items[s->put++].chan);
}

static void storm(bool binds)
{
	struct loop_timer *storm, *put;

	open_sender(binds);
	me.seed = 5;
	for (int i = 0; i < RECEIVERS; i++)
		spawn(i);
	storm = loop_timer_start(me.loop, 300, 150, on_storm, &me);
	put = loop_timer_start(me.loop, 10, 10, on_put, &me);
	for (int i = 0; i < 30 && me.put < ITEMS; i++)
		run(4000);
	loop_timer_cancel(&storm);
	loop_timer_cancel(&put);
	for (int i = 0; i < RECEIVERS; i++)
		kill(me.pids[i], SIGCONT);
	if (me.acked < ITEMS)
		run(120000);
	check_all();
	assert_true(me.kills > 5);
}

static void test_storm_bound(void **state)
{
	(void)state;
	storm(true);
}

static void test_storm_connected(void **state)
{
	(void)state;
	storm(false);
}

static void put_all(void)
{
	for (int i = 0; i < ITEMS; i++)
		chan_put(me.chan, &me.items[i].chan);
}

/* All take part, and a rate for the eye. */
static void test_share(void **state)
{
	int64_t since;

	(void)state;
	open_sender(true);
	for (int i = 0; i < RECEIVERS; i++)
		spawn(i);
	while (chan_peers(me.chan) < RECEIVERS)
		run(20);
	put_all();
	since = clock_mono();
	run(120000);
	check_all();
	for (int i = 0; i < RECEIVERS; i++) /* as the machine lets them */
		assert_true(shared->by[i] > ITEMS / 100);
	print_message("%d payloads in %lld ms\n", ITEMS,
		(long long)(clock_mono() - since));
}

/* The binding end starts anew at the same address: work goes on at once, but
 * for what else the machine has to do. */
static void test_binder_restarts(void **state)
{
	int64_t since, soonest = INT64_MAX;

	(void)state;
	open_sender(false);
	spawn(0);
	while (chan_peers(me.chan) < 1)
		run(20);
	for (int i = 0; i < 4; i++) {
		int took = shared->by[0];

		reap(0, SIGKILL);
		spawn(0);
		since = clock_mono();
		chan_put(me.chan, &me.items[4 * i].chan);
		while (shared->by[0] == took &&
			clock_mono() < since + 60000)
			run(20);
		assert_int_not_equal(shared->by[0], took);
		if (clock_mono() - since < soonest)
			soonest = clock_mono() - since;
	}
	assert_in_range(soonest, 0, 2000);
}

/* A stopped receiver loses its work to another; it wakes up and goes on. */
static void test_stopped(void **state)
{
	int before;

	(void)state;
	open_sender(true);
	spawn(0);
	while (chan_peers(me.chan) < 1)
		run(20);
	kill(me.pids[0], SIGSTOP);
	for (int i = 10; i < 40; i++) /* none that gets a NACK */
		chan_put(me.chan, &me.items[i].chan);
	run(500);
	assert_int_equal(me.acked, 0);
	spawn(1);
	run_until_acked(30);
	assert_int_equal(shared->by[1], 30);
	kill(me.pids[0], SIGCONT);
	for (int i = 0; i < 3000 && chan_peers(me.chan) < 2; i++)
		run(20);
	assert_int_equal(chan_peers(me.chan), 2);
	reap(1, SIGKILL);
	before = shared->by[0];
	for (int i = 40; i < 70; i++)
		chan_put(me.chan, &me.items[i].chan);
	run_until_acked(60);
	assert_true(shared->by[0] - before >= 30);
}

/* SIGTERM is not handled by the receiver here, but closing is: BYE. */
static void test_close(void **state)
{
	(void)state;
	open_sender(true);
	spawn(0);
	while (chan_peers(me.chan) < 1)
		run(20);
	put_all();
	run(50);
	chan_close(me.chan); /* items are ours again, whatever their state */
	me.chan = NULL;
	for (int i = 0; i < ITEMS; i++)
		assert_false(list_linked(&me.items[i].chan.credit.node));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(test_share),
		TEST(test_storm_bound),
		TEST(test_storm_connected),
		TEST(test_binder_restarts),
		TEST(test_stopped),
		TEST(test_close),
	};

	log_init("test", LOG_FATAL);
	if (argc == 5)
		return receive(argv[1], argv[2], argv[3], argv[4]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
