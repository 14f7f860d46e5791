#include "proto/io/loop.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/vec.h"

/* What happened, in order. */
static struct {
	struct loop *loop;
	int ticks;
	VEC(int) order;
	struct loop_timer *timer;
	struct loop_fd *watch;
	int fds[2];
	pthread_t worker;
	int signals;
} t;

static int setup(void **state UNUSED)
{
	memset(&t, 0, sizeof(t));
	t.loop = loop_new();
	return 0;
}

static int teardown(void **state UNUSED)
{
	VEC_RELEASE(&t.order);
	loop_free(t.loop);
	return 0;
}

static void stop(void *ctx UNUSED)
{
	loop_stop(t.loop);
}

static void note(void *ctx)
{
	VEC_PUSH(&t.order, *(int *)ctx);
}

/* Ends a test that would hang, and makes it fail. */
static void too_late(void *ctx UNUSED)
{
	fail_msg("nothing happened for 10 s");
}

static void run(void)
{
	struct loop_timer *limit =
		loop_timer_start(t.loop, 60000, 0, too_late, NULL);

	loop_run(t.loop);
	loop_timer_cancel(&limit);
}

/* ---- timers ------------------------------------------------------------ */

static void tick(void *ctx UNUSED)
{
	if (++t.ticks == 3) {
		loop_timer_cancel(&t.timer);
		loop_timer_start(t.loop, 30, 0, stop, NULL);
	}
}

static void test_timers(void **state UNUSED)
{
	static int one = 1, two = 2, three = 3;
	int64_t began = clock_mono();
	struct loop_timer *never = loop_timer_start(t.loop, 5, 0, note, &three);
	struct loop_timer *none = NULL;

	loop_timer_start(t.loop, 20, 0, note, &two);
	loop_timer_start(t.loop, 10, 0, note, &one);
	t.timer = loop_timer_start(t.loop, 0, 10, tick, NULL);
	loop_timer_cancel(&never);
	assert_null(never);
	loop_timer_cancel(&none);
	run();
	assert_int_equal(t.ticks, 3);
	assert_null(t.timer);
	assert_int_equal(t.order.n, 2);
	assert_int_equal(t.order.v[0], 1);
	assert_int_equal(t.order.v[1], 2);
	assert_true(clock_mono() - began >= 45);
}

static void cancel_self(void *ctx UNUSED)
{
	t.ticks++;
	loop_timer_cancel(&t.timer);
	loop_timer_start(t.loop, 5, 0, stop, NULL);
}

static void test_timer_cancels_itself(void **state UNUSED)
{
	t.timer = loop_timer_start(t.loop, 1, 0, cancel_self, NULL);
	run();
	assert_int_equal(t.ticks, 1);
}

/* ---- descriptors ------------------------------------------------------- */

static void readable(void *ctx UNUSED, int events)
{
	char c;

	assert_true(events & LOOP_READ);
	assert_int_equal(read(t.fds[0], &c, 1), 1);
	t.ticks++;
	if (c == 'z') {
		loop_fd_stop(&t.watch);
		loop_stop(t.loop);
	} else {
		assert_int_equal(write(t.fds[1], "z", 1), 1);
	}
}

static void test_descriptor(void **state UNUSED)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fds), 0);
	t.watch = loop_fd_start(t.loop, t.fds[0], LOOP_READ, readable, NULL);
	assert_int_equal(write(t.fds[1], "a", 1), 1);
	run();
	assert_int_equal(t.ticks, 2);
	assert_null(t.watch);
	close(t.fds[0]);
	close(t.fds[1]);
}

static void writable(void *ctx UNUSED, int events)
{
	t.ticks++;
	if (events == LOOP_WRITE)
		loop_fd_update(t.watch, 0);
}

static void test_descriptor_update(void **state UNUSED)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fds), 0);
	t.watch = loop_fd_start(
		t.loop, t.fds[0], LOOP_READ | LOOP_WRITE, writable, NULL);
	loop_timer_start(t.loop, 30, 0, stop, NULL);
	run();
	assert_int_equal(t.ticks, 1);
	loop_fd_stop(&t.watch);
	close(t.fds[0]);
	close(t.fds[1]);
}

/* ---- signals ----------------------------------------------------------- */

static void on_signal(void *ctx UNUSED)
{
	if (++t.signals == 2)
		loop_stop(t.loop);
	else
		kill(getpid(), SIGUSR1);
}

static void test_signal(void **state UNUSED)
{
	loop_signal(t.loop, SIGUSR1, on_signal, NULL);
	loop_signal(t.loop, SIGUSR2, on_signal, NULL);
	kill(getpid(), SIGUSR2);
	run();
	assert_int_equal(t.signals, 2);
	/* One that comes too late kills nobody. */
	loop_free(t.loop);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	t.loop = loop_new();
}

/* ---- posts and threads ------------------------------------------------- */

#define POSTERS 4
#define POSTS 5000

struct posted {
	int poster, number;
};

static struct posted posted[POSTERS][POSTS];
static int last_seen[POSTERS];

static void receive(void *ctx)
{
	const struct posted *p = ctx;

	assert_int_equal(p->number, last_seen[p->poster] + 1);
	last_seen[p->poster] = p->number;
	if (++t.ticks == POSTERS * POSTS)
		loop_stop(t.loop);
}

static void *poster(void *arg)
{
	int i = *(int *)arg;

	for (int n = 0; n < POSTS; n++) {
		posted[i][n] = (struct posted){i, n + 1};
		loop_post(t.loop, receive, &posted[i][n]);
	}
	return NULL;
}

static void test_posts_keep_order(void **state UNUSED)
{
	pthread_t threads[POSTERS];
	int numbers[POSTERS];

	memset(last_seen, 0, sizeof(last_seen));
	for (int i = 0; i < POSTERS; i++) {
		numbers[i] = i;
		pthread_create(&threads[i], NULL, poster, &numbers[i]);
	}
	run();
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(t.ticks, POSTERS * POSTS);
}

static void post_again(void *ctx UNUSED)
{
	t.ticks++;
	loop_post(t.loop, post_again, NULL);
}

static void test_posts_do_not_starve_timers(void **state UNUSED)
{
	loop_post(t.loop, post_again, NULL);
	loop_timer_start(t.loop, 20, 0, stop, NULL);
	run();
	assert_in_range(t.ticks, 2, 100000000);
}

static void work(void *ctx)
{
	sigset_t blocked;

	t.worker = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	*(int *)ctx = sigismember(&blocked, SIGTERM);
	clock_sleep(20);
}

static void worked(void *ctx UNUSED)
{
	assert_false(pthread_equal(t.worker, pthread_self()));
	loop_stop(t.loop);
}

static void test_spawn(void **state UNUSED)
{
	int blocked = 0;

	loop_spawn(t.loop, work, worked, &blocked);
	run();
	assert_int_equal(blocked, 1);
}

static atomic_bool may_end, has_ended;

static void work_long(void *ctx UNUSED)
{
	while (!atomic_load(&may_end))
		clock_sleep(1);
	atomic_store(&has_ended, true);
}

static void not_called(void *ctx UNUSED)
{
	fail_msg("called after loop_free");
}

static void test_thread_outlives_loop(void **state UNUSED)
{
	struct loop *l = loop_new();

	loop_spawn(l, work_long, not_called, NULL);
	loop_post(l, not_called, NULL);
	loop_timer_start(l, 0, 0, not_called, NULL);
	loop_free(l);
	assert_false(atomic_load(&has_ended));
	atomic_store(&may_end, true);
	while (!atomic_load(&has_ended))
		clock_sleep(1);
	clock_sleep(50);
}

/* ---- names ------------------------------------------------------------- */

struct answer {
	bool called;
	size_t n;
	char first[64];
	char text[512];
};

static void answered(void *ctx, char *const *addresses, size_t n,
	const struct err *err)
{
	struct answer *a = ctx;

	a->called = true;
	a->n = n;
	for (size_t i = 1; i < n; i++)
		assert_true(strcmp(addresses[i - 1], addresses[i]) < 0);
	if (n > 0)
		snprintf(a->first, sizeof(a->first), "%s", addresses[0]);
	else
		snprintf(a->text, sizeof(a->text), "%s", err->text);
	loop_stop(t.loop);
}

static void test_resolve(void **state UNUSED)
{
	static const struct {
		const char *host, *first, *error;
	} cases[] = {
		{"127.0.0.1", "127.0.0.1", NULL},
		{"::1", "::1", NULL},
		{"localhost", "127.0.0.1", NULL},
		{"no-such-host.invalid", NULL,
			"cannot resolve no-such-host.invalid: "},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct answer a = {0};

		loop_resolve(t.loop, cases[i].host, answered, &a);
		assert_false(a.called);
		run();
		assert_true(a.called);
		if (cases[i].first)
			assert_string_equal(a.first, cases[i].first);
		else
			assert_memory_equal(a.text, cases[i].error,
				strlen(cases[i].error));
	}
}

static void no_answer(void *ctx UNUSED, char *const *addresses UNUSED,
	size_t n UNUSED, const struct err *err UNUSED)
{
	fail_msg("answered after the cancel, or after loop_free");
}

/* Nothing is called, and nothing is left behind, in whatever state it is. */
static void test_resolve_is_given_up(void **state UNUSED)
{
	static const char *const hosts[] = {
		"127.0.0.1", "localhost", "no-such-host.invalid"};

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		struct loop_lookup *h, *none = NULL;
		struct loop *l = loop_new();

		h = loop_resolve(t.loop, hosts[i], no_answer, NULL);
		loop_resolve_cancel(&h);
		assert_null(h);
		loop_resolve_cancel(&none);
		loop_resolve(l, hosts[i], no_answer, NULL);
		if (i % 2)
			clock_sleep(50);
		loop_free(l);
	}
	loop_timer_start(t.loop, 300, 0, stop, NULL);
	run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_timer_cancels_itself, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_descriptor_update, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signal, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_posts_keep_order, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_posts_do_not_starve_timers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_spawn, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_thread_outlives_loop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resolve, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_resolve_is_given_up, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
