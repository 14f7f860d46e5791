/* What becomes of connections as a name's addresses change. The look-up is
 * the test's own: this loop_resolve() stands in for that of the library. */
#include "proto/io/link.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/mem.h"

#define ONE "127.0.0.1"
#define TWO "127.0.0.2"

static struct {
	struct loop *loop;
	struct link *servers[2], *client;
	char port[8];
	const char *addresses[3]; /* what the name has now; none: it fails */
	int look_ups;
	int ups, downs;
	bool up[2]; /* ONE, TWO */
	link_peer peers[2];
} t;

/* ---- the name ---- */

struct loop_lookup {
	void (*fn)(void *ctx, char *const *addresses, size_t n,
		const struct err *err);
	void *ctx;
};

static void answer(void *ctx)
{
	struct loop_lookup *a = ctx;
	struct err err = {0};
	char *list[3];
	size_t n = 0;

	t.look_ups++;
	while (t.addresses[n]) {
		list[n] = xstrdup(t.addresses[n]);
		n++;
	}
	if (n == 0)
		err_retry(&err, "cannot resolve peers.test: no answer");
	if (a->fn)
		a->fn(a->ctx, list, n, n ? NULL : &err);
	while (n > 0)
		free(list[--n]);
	free(a);
}

struct loop_lookup *loop_resolve(struct loop *l, const char *host,
	void (*fn)(void *ctx, char *const *addresses, size_t n,
		const struct err *err),
	void *ctx)
{
	struct loop_lookup *a = xcalloc(1, sizeof(*a));

	assert_string_equal(host, "peers.test");
	a->fn = fn;
	a->ctx = ctx;
	loop_post(l, answer, a);
	return a;
}

void loop_resolve_cancel(struct loop_lookup **h)
{
	if (*h)
		(*h)->fn = NULL;
	*h = NULL;
}

/* ---- ends ---- */

static size_t which(const char *address)
{
	return strstr(address, "//" TWO ":") != NULL;
}

static void on_up(void *ctx UNUSED, link_peer peer, const char *address)
{
	size_t i = which(address);

	assert_false(t.up[i]);
	t.up[i] = true;
	t.peers[i] = peer;
	t.ups++;
}

static void on_down(void *ctx UNUSED, link_peer peer)
{
	size_t i = peer == t.peers[1];

	assert_int_equal(peer, t.peers[i]);
	assert_true(t.up[i]);
	t.up[i] = false;
	t.downs++;
}

static void on_message(void *ctx UNUSED, link_peer peer UNUSED,
	struct str bytes UNUSED)
{
}

static const struct link_events events = {on_up, on_down, on_message};

/* ---- the loop ---- */

static void check_look_ups(void *ctx)
{
	if (t.look_ups >= *(int *)ctx)
		loop_stop(t.loop);
}

/* So many look-ups more, and then some time for connections. */
static void look_ups(int n)
{
	int until = t.look_ups + n;
	struct loop_timer *often =
		loop_timer_start(t.loop, 0, 1, check_look_ups, &until);

	loop_run(t.loop);
	loop_timer_cancel(&often);
}

static void stop(void *ctx UNUSED)
{
	loop_stop(t.loop);
}

static void set_addresses(const char *a, const char *b)
{
	t.addresses[0] = a;
	t.addresses[1] = b;
	t.addresses[2] = NULL;
}

static void wait_ms(int64_t ms)
{
	loop_timer_start(t.loop, ms, 0, stop, NULL);
	loop_run(t.loop);
}

static void wait_ups(int n)
{
	for (int i = 0; i < 6000 && t.ups < n; i++)
		wait_ms(10);
	assert_int_equal(t.ups, n);
}

static int setup(void **state UNUSED)
{
	static const struct link_options server = {.hwm = 10};
	static const struct link_options client = {
		.hwm = 10, .resolve_ms = 50, .plain = true};
	char endpoint[64];
	const char *name = endpoint;

	memset(&t, 0, sizeof(t));
	t.loop = loop_new();
	t.servers[0] = link_bind(t.loop, "tcp://" ONE ":*", &server, &events,
		NULL, NULL);
	if (!t.servers[0])
		return -1;
	snprintf(t.port, sizeof(t.port), "%s",
		strrchr(link_address(t.servers[0]), ':') + 1);
	snprintf(endpoint, sizeof(endpoint), "tcp://" TWO ":%s", t.port);
	t.servers[1] = link_bind(
		t.loop, endpoint, &server, &events, NULL, NULL);
	snprintf(endpoint, sizeof(endpoint), "tcp://peers.test:%s", t.port);
	set_addresses(ONE, NULL);
	t.client = link_connect(
		t.loop, &name, 1, &client, &events, NULL, NULL);
	return t.servers[1] && t.client ? 0 : -1;
}

static int teardown(void **state UNUSED)
{
	link_close(t.client, 0);
	link_close(t.servers[0], 0);
	link_close(t.servers[1], 0);
	wait_ms(5); /* a look-up that is under way ends */
	loop_free(t.loop);
	return 0;
}

/* ---- tests ---- */

static void test_new_ones_are_found(void **state UNUSED)
{
	wait_ups(1);
	look_ups(3);
	assert_true(t.up[0] && !t.up[1]);
	set_addresses(ONE, TWO);
	wait_ups(2);
	assert_true(t.up[0] && t.up[1]);
	assert_int_equal(t.downs, 0);
}

static void test_gone_ones_are_dropped(void **state UNUSED)
{
	set_addresses(ONE, TWO);
	wait_ups(2);
	/* Missing once: a look-up may be incomplete. */
	set_addresses(TWO, NULL);
	look_ups(1);
	assert_true(t.up[0]);
	set_addresses(ONE, TWO);
	look_ups(2);
	assert_true(t.up[0]);
	/* Missing twice in a row. */
	set_addresses(TWO, NULL);
	look_ups(2);
	assert_false(t.up[0]);
	assert_int_equal(link_send(t.client, t.peers[0], STR("x")), -1);
	assert_int_equal(link_send(t.client, t.peers[1], STR("x")), 0);
	look_ups(4);
	assert_int_equal(t.downs, 1);
	/* And back again, under a new number. */
	set_addresses(TWO, ONE);
	wait_ups(3);
	assert_true(t.peers[0] > t.peers[1]);
}

static void test_failed_look_ups_change_nothing(void **state UNUSED)
{
	set_addresses(ONE, TWO);
	wait_ups(2);
	set_addresses(NULL, NULL);
	look_ups(5);
	assert_true(t.up[0] && t.up[1]);
	assert_int_equal(t.downs, 0);
	assert_int_equal(link_send(t.client, t.peers[0], STR("x")), 0);
}

/* A connection that does not stand is no reason to keep an address. */
static void test_dead_address_of_a_failing_name(void **state UNUSED)
{
	wait_ups(1);
	assert_true(t.up[0]);
	link_close(t.servers[0], 0);
	t.servers[0] = NULL;
	set_addresses(NULL, NULL);
	look_ups(5);
	assert_false(t.up[0]);
	assert_int_equal(t.downs, 1);
	/* It serves again, but the name has not said so yet. */
	char endpoint[64];

	snprintf(endpoint, sizeof(endpoint), "tcp://" ONE ":%s", t.port);
	t.servers[0] = link_bind(t.loop, endpoint,
		&(struct link_options){.hwm = 10}, &events, NULL, NULL);
	assert_non_null(t.servers[0]);
	wait_ms(400);
	assert_int_equal(t.ups, 1);
	set_addresses(ONE, NULL);
	wait_ups(2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new_ones_are_found),
		TEST(test_gone_ones_are_dropped),
		TEST(test_failed_look_ups_change_nothing),
		TEST(test_dead_address_of_a_failing_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
