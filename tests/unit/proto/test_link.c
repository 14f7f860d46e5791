#include "proto/io/link.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

/* One end of a link and what it saw. */
struct end {
	struct link *link;
	int ups, downs, messages;
	link_peer peer, last; /* the newest up; the last message's */
	char text[64];        /* the last message's beginning */
	size_t bytes;
	char address[280];
	bool echo, drop;      /* what it does with a message */
	VEC(link_peer) seen;
};

static struct {
	struct loop *loop;
	char folder[64], path[80], endpoint[100];
	struct end server, client, other;
} t;

/* ---- running the loop until something holds ---------------------------- */

static bool (*condition)(void);
static bool gave_up;

static void check(void *ctx UNUSED)
{
	if (condition && condition())
		loop_stop(t.loop);
}

static void give_up(void *ctx UNUSED)
{
	gave_up = true;
	loop_stop(t.loop);
}

/* False when it does not hold within ms. */
static bool until(bool (*holds)(void), int64_t ms)
{
	struct loop_timer *often = loop_timer_start(t.loop, 0, 2, check, NULL);
	struct loop_timer *limit =
		loop_timer_start(t.loop, ms, 0, give_up, NULL);

	condition = holds;
	gave_up = false;
	loop_run(t.loop);
	loop_timer_cancel(&often);
	if (!gave_up)
		loop_timer_cancel(&limit);
	return !gave_up;
}

#define UNTIL(expression) \
	do { \
		if (!until(expression, 60000)) \
			fail_msg("not reached: " #expression); \
	} while (0)

static bool never(void)
{
	return false;
}

/* ---- ends -------------------------------------------------------------- */

static void on_up(void *ctx, link_peer peer, const char *address)
{
	struct end *e = ctx;

	e->ups++;
	assert_true(peer > e->peer); /* never the same again */
	e->peer = peer;
	snprintf(e->address, sizeof(e->address), "%s", address);
	assert_int_equal(link_send(e->link, peer, STR("hello")), 0);
}

static void on_down(void *ctx, link_peer peer UNUSED)
{
	struct end *e = ctx;

	e->downs++;
}

static void on_message(void *ctx, link_peer peer, struct str bytes)
{
	struct end *e = ctx;
	size_t i = 0;

	e->messages++;
	e->last = peer;
	e->bytes += bytes.n;
	snprintf(e->text, sizeof(e->text), "%.*s",
		(int)(bytes.n < 60 ? bytes.n : 60), bytes.p);
	while (i < e->seen.n && e->seen.v[i] != peer)
		i++;
	if (i == e->seen.n)
		VEC_PUSH(&e->seen, peer);
	if (e->echo)
		assert_int_equal(link_send(e->link, peer, bytes), 0);
	if (e->drop)
		link_drop(e->link, peer);
}

static const struct link_events events = {on_up, on_down, on_message};
static const struct link_options options = {
	.max_message = 100000, .hwm = 16, .resolve_ms = 50};

static void bind_server(struct end *e, const char *endpoint)
{
	struct err err = {0};

	e->link = link_bind(t.loop, endpoint, &options, &events, e, &err);
	if (!e->link)
		fail_msg("%s", err.text);
}

static void connect_to(struct end *e, const char *endpoint)
{
	struct err err = {0};

	e->link = link_connect(
		t.loop, &endpoint, 1, &options, &events, e, &err);
	if (!e->link)
		fail_msg("%s", err.text);
}

static void close_end(struct end *e)
{
	link_close(e->link, 100);
	VEC_RELEASE(&e->seen);
	memset(e, 0, sizeof(*e));
}

static int setup(void **state UNUSED)
{
	memset(&t, 0, sizeof(t));
	snprintf(t.folder, sizeof(t.folder), "/tmp/pullwire-link-XXXXXX");
	if (!mkdtemp(t.folder))
		return -1;
	snprintf(t.path, sizeof(t.path), "%s/edge", t.folder);
	snprintf(t.endpoint, sizeof(t.endpoint), "ipc://%s", t.path);
	t.loop = loop_new();
	return 0;
}

static void remove_folder(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	char name[400];

	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) != 0)
			remove_folder(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static int teardown(void **state UNUSED)
{
	close_end(&t.client);
	close_end(&t.other);
	close_end(&t.server);
	loop_free(t.loop);
	remove_folder(t.folder);
	return 0;
}

/* ---- tests ------------------------------------------------------------- */

static bool server_has_1(void)
{
	return t.server.messages == 1;
}

static bool client_has_1(void)
{
	return t.client.messages == 1;
}

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
	assert_false(until(never, 300));
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
	if (!until(ten_thousand, 120000))
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

static bool client_is_up_again(void)
{
	return t.client.ups == 2;
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

static bool server_has_2(void)
{
	return t.server.messages == 2;
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
	condition = NULL;
	for (int i = 0; i < 100 && t.client.ups == 0; i++)
		until(never, 50);
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

/* ---- endpoints --------------------------------------------------------- */

static void test_second_bind(void **state UNUSED)
{
	struct err err = {0};
	char want[300];
	struct link *second;

	bind_server(&t.server, t.endpoint);
	second = link_bind(
		t.loop, t.endpoint, &options, &events, &t.other, &err);
	assert_null(second);
	snprintf(want, sizeof(want),
		"another process serves %s (it holds %s.lock)", t.endpoint,
		t.path);
	assert_string_equal(err.text, want);
	/* The first one is as it was. */
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
}

static void test_folder_is_made(void **state UNUSED)
{
	char endpoint[200], folder[100];
	struct stat st;

	snprintf(folder, sizeof(folder), "%s/a/b", t.folder);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/edge", folder);
	bind_server(&t.server, endpoint);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	close_end(&t.server);
	chmod(folder, 0777);
	assert_null(link_bind(
		t.loop, endpoint, &options, &events, &t.server, NULL));
}

static void test_endpoints(void **state UNUSED)
{
	static const struct {
		bool bind, plain;
		const char *endpoint, *error; /* NULL: fine */
	} cases[] = {
		{true, false, "tcp://127.0.0.1:*", NULL},
		{true, false, "tcp://[::1]:*", NULL},
		{true, false, "tcp://localhost:*", NULL},
		{true, true, "tcp://*:*", NULL},
		{true, true, "tcp://0.0.0.0:*", NULL},
		{false, false, "tcp://127.0.0.1:5701", NULL},
		{false, false, "tcp://127.9.9.9:5701", NULL},
		{false, true, "tcp://ingress.invalid:5701", NULL},
		{false, true, "tcp://[fd00::1]:5701", NULL},
		{true, false, "tcp://*:5701",
			"tcp://*:5701 is tcp beyond this machine without keys: "
			"set `keys: FOLDER` (made by `pullwire-ingress keys "
			"FOLDER`), or `links: plain` at the top level if the "
			"network between the processes is trusted"},
		{true, false, "tcp://0.0.0.0:5701", "tcp://0.0.0.0:5701 is tcp"},
		{true, false, "tcp://[::]:5701", "tcp://[::]:5701 is tcp beyo"},
		{false, false, "tcp://ingress:5701", "tcp://ingress:5701 is tcp"},
		{false, false, "tcp://10.0.0.1:5701", "tcp://10.0.0.1:5701 is t"},
		{false, false, "tcp://128.0.0.1:5701", "tcp://128.0.0.1:5701 is"},
		{true, true, "tcp://ingress:5701",
			"tcp://ingress:5701 names a host: to bind, write an "
			"address of this machine or tcp://*:5701"},
		{true, true, "tcp://192.0.2.1:5701",
			"cannot listen at tcp://192.0.2.1:5701: "},
		{false, true, "tcp://*:5701", "tcp://*:5701 is not tcp://HOST"},
		{false, true, "tcp://a:*", "tcp://a:* is not tcp://HOST:PORT"},
		{false, true, "tcp://a", "tcp://a is not tcp://HOST:PORT"},
		{false, true, "tcp://a:0", "tcp://a:0 is not tcp://HOST:PORT"},
		{false, true, "tcp://a:65536", "tcp://a:65536 is not tcp://"},
		{false, true, "tcp://:5701", "tcp://:5701 is not tcp://HOST"},
		{false, true, "tcp://::1:5701", "tcp://::1:5701 is not tcp://"},
		{false, true, "tcp://a b:1", "tcp://a b:1 is not tcp://HOST:P"},
		{false, true, "tcp://a;b:1", "tcp://a;b:1 is not tcp://HOST:P"},
		{true, true, "ipc://relative", "ipc://relative needs an absolu"},
		{true, true, "ipc://", "ipc:// needs an absolute path"},
		{true, true, "inproc://x", "\"inproc://x\" is not an endpoint: "
			"write ipc:///PATH or tcp://HOST:PORT"},
		{true, true, "5701", "\"5701\" is not an endpoint"},
		{true, true, "ipc:///proc/none/edge", "cannot make the folder /"},
		{true, true,
			"ipc:///tmp/01234567890123456789012345678901234567890"
			"12345678901234567890123456789012345678901234567890"
			"123456789012345", "the path of ipc:///tmp/0123"},
		{true, true, "ipc:///tmp/edge", "everybody may write to the fol"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct link_options o = {.plain = cases[i].plain};
		const char *endpoint = cases[i].endpoint;
		struct err err = {0};
		struct link *k = cases[i].bind ?
			link_bind(t.loop, endpoint, &o, &events, &t.other,
				&err) :
			link_connect(t.loop, &endpoint, 1, &o, &events,
				&t.other, &err);

		if ((k == NULL) != (cases[i].error != NULL))
			fail_msg("%s: %s", endpoint, err.text);
		if (cases[i].error && strncmp(err.text, cases[i].error,
					     strlen(cases[i].error)) != 0)
			fail_msg("%s: %s", endpoint, err.text);
		link_close(k, 0);
	}
	until(never, 100); /* look-ups of names end */
}

/* ---- tcp and names ----------------------------------------------------- */

static void test_tcp(void **state UNUSED)
{
	bind_server(&t.server, "tcp://127.0.0.1:*");
	assert_memory_equal(link_address(t.server.link), "tcp://127.0.0.1:",
		16);
	connect_to(&t.client, link_address(t.server.link));
	UNTIL(server_has_1);
}

static void test_name(void **state UNUSED)
{
	char endpoint[64];

	bind_server(&t.server, "tcp://127.0.0.1:*");
	snprintf(endpoint, sizeof(endpoint), "tcp://localhost:%s",
		strrchr(link_address(t.server.link), ':') + 1);
	connect_to(&t.client, endpoint);
	UNTIL(server_has_1);
	assert_string_equal(t.client.address, link_address(t.server.link));
	/* Looked up again and again: the connection that stands stays. */
	assert_false(until(never, 500));
	assert_int_equal(t.client.ups, 1);
	assert_int_equal(t.client.downs, 0);
}

static void test_several_endpoints(void **state UNUSED)
{
	const char *list[] = {t.endpoint, "tcp://127.0.0.1:9", NULL};
	struct err err = {0};

	bind_server(&t.server, t.endpoint);
	bind_server(&t.other, "tcp://127.0.0.1:*");
	list[1] = link_address(t.other.link);
	t.client.link = link_connect(
		t.loop, list, 2, &options, &events, &t.client, &err);
	assert_non_null(t.client.link);
	UNTIL(client_is_up_again);
	UNTIL(server_has_1);
	assert_int_equal(t.client.downs, 0);
}

/* What was handed over goes out after the close. */
static void test_linger(void **state UNUSED)
{
	bind_server(&t.server, t.endpoint);
	connect_to(&t.client, t.endpoint);
	UNTIL(server_has_1);
	assert_int_equal(
		link_send(t.client.link, t.client.peer, STR("bye")), 0);
	close_end(&t.client);
	UNTIL(server_has_2);
	assert_string_equal(t.server.text, "bye");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

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
		TEST(test_second_bind),
		TEST(test_folder_is_made),
		TEST(test_endpoints),
		TEST(test_tcp),
		TEST(test_name),
		TEST(test_several_endpoints),
		TEST(test_linger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
