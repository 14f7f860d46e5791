/* Messages both ways, peers that come and go, and what a link does not take. */
#include "tests/unit/proto/link_rig.h"

#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

static void test_there_and_back(void **state UNUSED)
{
	bind_server(&t.server, t.endpoint);
	assert_string_equal(link_address(t.server.link), t.endpoint);
	connect_to(&t.client, t.endpoint);
	t.server.echo = true;
	UNTIL(client_has_1);
	assert_string_equal(t.server.text, "hello");
	assert_string_equal(t.client.text, "hello");
	assert_string_equal(t.client.address, t.endpoint);
	assert_int_equal(t.client.ups, 1);
	assert_int_equal(t.client.last, t.client.peer);
	assert_int_equal(t.server.ups, 0);
	assert_int_equal(link_send(t.client.link, t.client.peer + 99, STR("x")),
		-1);
	assert_int_equal(link_send(t.server.link, t.client.peer + 99, STR("x")),
		-1);
}

/* The client may come first, long before. */
static void test_client_first(void **state UNUSED)
{
	connect_to(&t.client, t.endpoint);
	assert_false(until(t.loop, never, 300));
	assert_int_equal(t.client.ups, 0);
	bind_server(&t.server, t.endpoint);
	UNTIL(server_has_1);
	assert_int_equal(t.client.ups, 1);
}

static bool both_said_hello(void)
{
	return t.server.seen.n == 2;
}

static bool both_heard(void)
{
	return t.client.messages == 1 && t.other.messages == 1;
}

static void test_two_peers(void **state UNUSED)
{
	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	connect_to(&t.other, t.endpoint);
	UNTIL(both_said_hello);
	assert_int_not_equal(t.server.seen.v[0], t.server.seen.v[1]);
	assert_int_equal(
		link_send(t.server.link, t.server.seen.v[0], STR("one")), 0);
	assert_int_equal(
		link_send(t.server.link, t.server.seen.v[1], STR("two")), 0);
	UNTIL(both_heard);
	assert_string_not_equal(t.client.text, t.other.text);
	assert_int_equal(t.client.bytes + t.other.bytes, 6);
}

static bool ten_thousand(void)
{
	return t.client.messages == 10000;
}

static int sent;

static void send_more(void *ctx)
{
	struct loop_timer **timer = ctx;

	while (sent < 10000 && sent - t.client.messages < 6 &&
		link_send(t.client.link, t.client.peer, STR("payload")) == 0)
		sent++;
	if (sent == 10000)
		loop_timer_cancel(timer);
}

/* Sent in bursts with answers coming in between: an event that is eaten by a
 * send would end it. */
static void test_many(void **state UNUSED)
{
	struct loop_timer *timer;

	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	t.server.echo = true;
	sent = 0;
	timer = loop_timer_start(t.loop, 0, 1, send_more, &timer);
	if (!until(t.loop, ten_thousand, 120000))
		fail_msg("%d of %d came back", t.client.messages, sent);
	assert_int_equal(t.server.messages, 10001);
	assert_int_equal(t.client.bytes, 70000);
}

/* Nobody reads: the sender is told so, and nothing piles up. */
static void test_full(void **state UNUSED)
{
	static char big[90000];
	int n = 0;

	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	while (n < 100000 && link_send(t.client.link, t.client.peer,
				     (struct str){big, sizeof(big)}) == 0)
		n++;
	assert_in_range(n, 1, 200);
	assert_int_equal(link_send(t.client.link, t.client.peer, STR("x")), -1);
}

static bool client_is_down(void)
{
	return t.client.downs == 1;
}

static void test_server_restarts(void **state UNUSED)
{
	link_peer before;

	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	before = t.client.peer;
	close_end(&t.server);
	UNTIL(client_is_down);
	assert_int_equal(link_send(t.client.link, before, STR("x")), -1);
	bind_server(&t.server, t.endpoint);
	UNTIL(client_is_up_again);
	UNTIL(server_has_1);
	assert_int_not_equal(t.client.peer, before);
}

static bool first_is_gone(void)
{
	return link_send(t.server.link, t.server.seen.v[0], STR("x")) == -1;
}

static void test_client_restarts(void **state UNUSED)
{
	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	close_end(&t.client);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_2);
	assert_int_equal(t.server.seen.n, 2);
	/* The transport notices by itself that the first one is gone. */
	UNTIL(first_is_gone);
	assert_int_equal(
		link_send(t.server.link, t.server.seen.v[1], STR("x")), 0);
}

/* Killed, not closed. */
static void test_server_killed(void **state UNUSED)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct loop *l = loop_new();
		struct end e = {0};

		e.link = link_bind(
			l, t.endpoint, &options, &events, &e, NULL);
		loop_run(l);
		_exit(0);
	}
	connect_to(&t.client, t.endpoint);
	t.client.ups = 0;
	for (int i = 0; i < 100 && t.client.ups == 0; i++)
		until(t.loop, never, 50);
	assert_int_equal(t.client.ups, 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	UNTIL(client_is_down);
	/* The lock went with the process; its socket is in the way of nobody. */
	bind_server(&t.server, t.endpoint);
	UNTIL(client_is_up_again);
	UNTIL(server_has_1);
}

/* ---- drops ------------------------------------------------------------- */

static bool server_has_3(void)
{
	return t.server.messages == 3;
}

static void test_drop_at_the_client(void **state UNUSED)
{
	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	/* A last word before the drop still goes out. */
	assert_int_equal(
		link_send(t.client.link, t.client.peer, STR("bye")), 0);
	link_drop(t.client.link, t.client.peer);
	assert_int_equal(
		link_send(t.client.link, t.client.peer, STR("x")), -1);
	UNTIL(client_is_up_again);
	UNTIL(server_has_3);
	assert_int_equal(t.client.downs, 0);
	assert_int_equal(t.server.seen.n, 2);
}

/* In the middle of what comes in from it. */
static void test_drop_in_a_message(void **state UNUSED)
{
	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	for (int i = 0; i < 10; i++)
		link_send(t.server.link, t.server.last, STR("x"));
	t.client.drop = true;
	UNTIL(client_is_up_again);
	assert_int_equal(t.client.messages, 1);
}

static void test_drop_at_the_server(void **state UNUSED)
{
	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	link_drop(t.server.link, t.server.last);
	assert_int_equal(
		link_send(t.server.link, t.server.last, STR("x")), -1);
	assert_int_equal(
		link_send(t.client.link, t.client.peer, STR("again")), 0);
	UNTIL(server_has_2);
	assert_int_equal(t.server.seen.n, 2);
}

/* ---- what is too large, or of the wrong form --------------------------- */

static bool server_has_4(void)
{
	return t.server.messages == 4;
}

static void test_too_large(void **state UNUSED)
{
	static char big[100001];
	static const struct link_options wide = {.max_message = 200000};
	const char *endpoint = t.endpoint;

	bind_server(&t.server, t.endpoint);
	/* This client sends more than the server takes. */
	t.client.link = link_connect(
		t.loop, &endpoint, 1, &wide, &events, &t.client, NULL);
	connect_to(&t.other, t.endpoint);
	UNTIL(both_said_hello);
	assert_int_equal(link_send(t.other.link, t.other.peer,
				 (struct str){big, sizeof(big)}), -1);
	assert_int_equal(link_send(t.other.link, t.other.peer,
				 (struct str){big, sizeof(big) - 1}), 0);
	assert_int_equal(link_send(t.client.link, t.client.peer,
				 (struct str){big, sizeof(big)}), 0);
	UNTIL(client_is_up_again);
	UNTIL(server_has_4);
	assert_int_equal(t.client.downs, 1);
	assert_int_equal(t.other.downs, 0);
	assert_int_equal(t.server.bytes, 5 + 5 + 100000 + 5);
}

/* A peer that speaks ZMTP 3.0 by hand, and sends three frames. */
static void test_more_frames(void **state UNUSED)
{
	static const unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0,
		1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
	static const char ready[] = "\x04\x1c\x05READY\x0bSocket-Type"
		"\x00\x00\x00\x06" "DEALER";
	static const char three[] = "\x01\x01" "a\x01\x01" "b\x00\x01" "c";
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char answer[64 + 43]; /* its greeting and READY: no frame before them */

	bind_server(&t.server, t.endpoint);
	memcpy(a.sun_path, t.path, sizeof(t.path));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(write(fd, greeting, 64), 64);
	assert_int_equal(write(fd, ready, sizeof(ready) - 1),
		sizeof(ready) - 1);
	assert_int_equal(recv(fd, answer, sizeof(answer), MSG_WAITALL),
		sizeof(answer));
	assert_int_equal(write(fd, three, sizeof(three) - 1),
		sizeof(three) - 1);
	assert_int_equal(write(fd, "\x00\x01z", 3), 3);
	UNTIL(server_has_1);
	assert_string_equal(t.server.text, "z");
	assert_int_equal(link_dropped(t.server.link), 1);
	close(fd);
}

static void test_not_a_link(void **state UNUSED)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	bind_server(&t.server, t.endpoint);
	memcpy(a.sun_path, t.path, sizeof(t.path));
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_true(write(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
			      "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 54) > 0);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	assert_string_equal(t.server.text, "hello");
	assert_int_equal(link_dropped(t.server.link), 0);
	while (read(fd, &c, 1) > 0)
		;
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_there_and_back),
		TEST(test_client_first),
		TEST(test_two_peers),
		TEST(test_many),
		TEST(test_full),
		TEST(test_server_restarts),
		TEST(test_client_restarts),
		TEST(test_server_killed),
		TEST(test_drop_at_the_client),
		TEST(test_drop_in_a_message),
		TEST(test_drop_at_the_server),
		TEST(test_too_large),
		TEST(test_more_frames),
		TEST(test_not_a_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
