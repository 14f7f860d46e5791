#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/io/keys.h"
#include "proto/io/link.h"
#include "tests/unit/proto/until_rig.h"

struct end {
	struct link *link;
	int ups, downs, messages;
	link_peer last;
	bool echo;
};

static struct {
	struct loop *loop;
	char keys[64], others[64]; /* ours, and a stranger's own */
	char address[300];
	struct end server, honest, intruder;
} t;

static bool honest_has_answer(void)
{
	return t.honest.messages > 0;
}

/* ---- ends -------------------------------------------------------------- */

static void on_up(void *ctx, link_peer peer, const char *address UNUSED)
{
	struct end *e = ctx;

	e->ups++;
	link_send(e->link, peer, STR("hello"));
}

static void on_down(void *ctx, link_peer peer UNUSED)
{
	struct end *e = ctx;

	e->downs++;
}

static void on_message(void *ctx, link_peer peer, struct str bytes)
{
	struct end *e = ctx;

	e->messages++;
	e->last = peer;
	if (e->echo)
		link_send(e->link, peer, bytes);
}

static const struct link_events events = {on_up, on_down, on_message};
static const char *const admit_matcher[] = {"matcher", NULL};

static void bind_server(const char *const *admit)
{
	struct link_options o = {
		.keys = t.keys, .role = "ingress", .admit = admit};
	struct err err = {0};

	t.server.echo = true;
	t.server.link = link_bind(t.loop, "tcp://127.0.0.1:*", &o, &events,
		&t.server, &err);
	if (!t.server.link)
		fail_msg("%s", err.text);
	snprintf(t.address, sizeof(t.address), "%s",
		link_address(t.server.link));
}

static void connect_as(struct end *e, const char *keys, const char *role,
	const char *server_role)
{
	struct link_options o = {
		.keys = keys, .role = role, .server_role = server_role};
	const char *address = t.address;
	struct err err = {0};

	e->link = link_connect(t.loop, &address, 1, &o, &events, e, &err);
	if (!e->link)
		fail_msg("%s", err.text);
}

static void make_keys(char folder[64])
{
	snprintf(folder, 64, "/tmp/pullwire-curve-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(keys_generate(folder, NULL), 0);
}

static void remove_keys(const char *folder)
{
	char path[200];

	for (size_t i = 0; keys_roles[i]; i++) {
		snprintf(path, sizeof(path), "%s/%s.key", folder, keys_roles[i]);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s.pub", folder, keys_roles[i]);
		unlink(path);
	}
	rmdir(folder);
}

static int setup(void **state UNUSED)
{
	memset(&t, 0, sizeof(t));
	make_keys(t.keys);
	make_keys(t.others);
	t.loop = loop_new();
	return 0;
}

static int teardown(void **state UNUSED)
{
	link_close(t.honest.link, 0);
	link_close(t.intruder.link, 0);
	link_close(t.server.link, 0);
	loop_free(t.loop);
	remove_keys(t.keys);
	remove_keys(t.others);
	return 0;
}

static void copy_key(const char *from, const char *to, const char *name)
{
	char source[200], target[200], buf[100];
	FILE *in, *out;
	size_t n;

	snprintf(source, sizeof(source), "%s/%s", from, name);
	snprintf(target, sizeof(target), "%s/%s", to, name);
	in = fopen(source, "r");
	out = fopen(target, "w");
	assert_true(in && out);
	n = fread(buf, 1, sizeof(buf), in);
	assert_int_equal(fwrite(buf, 1, n, out), n);
	fclose(in);
	fclose(out);
}

/* The honest peer still gets through, and it alone. */
static void check_only_the_honest(void)
{
	int before = t.server.messages;

	assert_int_equal(t.intruder.ups, 0);
	assert_int_equal(t.intruder.messages, 0);
	assert_int_equal(before, 0);
	connect_as(&t.honest, t.keys, "matcher", "ingress");
	assert_true(until(t.loop, honest_has_answer, 60000));
	assert_int_equal(t.server.messages, 1);
	assert_int_equal(t.honest.messages, 1);
}

/* ---- tests ------------------------------------------------------------- */

static void test_admitted(void **state UNUSED)
{
	bind_server(admit_matcher);
	check_only_the_honest();
	/* And again after it has gone and come back. */
	link_close(t.honest.link, 0);
	memset(&t.honest, 0, sizeof(t.honest));
	connect_as(&t.honest, t.keys, "matcher", "ingress");
	assert_true(until(t.loop, honest_has_answer, 60000));
	assert_int_equal(t.server.messages, 2);
}

static void test_intruders(void **state UNUSED)
{
	static const struct {
		const char *what, *role, *server_role;
		bool none, stranger, has_server_key;
	} cases[] = {
		{"no key at all", NULL, NULL, true, false, false},
		{"a key of ours, not admitted here", "deployer", "ingress",
			false, false, false},
		{"the server's own key", "ingress", "ingress", false, false,
			false},
		{"an unknown key, the server's public one known", "matcher",
			"ingress", false, true, true},
		{"unknown keys altogether", "matcher", "ingress", false, true,
			false},
		{"the right key, another server pinned", "matcher", "logger",
			false, false, false},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bind_server(admit_matcher);
		if (cases[i].has_server_key)
			copy_key(t.keys, t.others, "ingress.pub");
		connect_as(&t.intruder,
			cases[i].none ? NULL :
			cases[i].stranger ? t.others : t.keys,
			cases[i].role, cases[i].server_role);
		assert_false(until(t.loop, never, 500));
		if (t.intruder.ups || t.server.messages)
			fail_msg("%s: came in", cases[i].what);
		check_only_the_honest();
		link_close(t.honest.link, 0);
		link_close(t.intruder.link, 0);
		link_close(t.server.link, 0);
		memset(&t.honest, 0, sizeof(t.honest));
		memset(&t.intruder, 0, sizeof(t.intruder));
		memset(&t.server, 0, sizeof(t.server));
		remove_keys(t.others);
		make_keys(t.others);
	}
}

static void test_nobody_is_admitted(void **state UNUSED)
{
	bind_server(NULL);
	connect_as(&t.intruder, t.keys, "matcher", "ingress");
	assert_false(until(t.loop, never, 500));
	assert_int_equal(t.intruder.ups, 0);
	assert_int_equal(t.server.messages, 0);
}

static int dial(void)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((uint16_t)strtol(
		strrchr(t.address, ':') + 1, NULL, 10));
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* Older ZMTP knows no mechanism, and 3.0 can ask for NULL. */
static void test_by_hand(void **state UNUSED)
{
	static const unsigned char v1[] = {1, 0, 2, 0, 'a'};
	static const unsigned char v2[] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f,
		1, 5, 0, 0, 0, 1, 'a'};
	static const unsigned char null[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1,
		0x7f, 3, 0, 'N', 'U', 'L', 'L'};
	static const unsigned char plain[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1,
		0x7f, 3, 0, 'P', 'L', 'A', 'I', 'N'};
	static const struct {
		const unsigned char *p;
		size_t n;
	} cases[] = {{v1, sizeof(v1)}, {v2, sizeof(v2)}, {null, sizeof(null)},
		{plain, sizeof(plain)}};
	static const char rest[] = "\x04\x1c\x05READY\x0bSocket-Type"
		"\x00\x00\x00\x06" "DEALER\x00\x01z\x00\x01z";
	int fds[ARRAY_LEN(cases)];

	bind_server(admit_matcher);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		fds[i] = dial();
		assert_int_equal(write(fds[i], cases[i].p, cases[i].n),
			cases[i].n);
		clock_sleep(50);
		(void)!send(fds[i], rest, sizeof(rest) - 1, MSG_NOSIGNAL);
	}
	assert_false(until(t.loop, never, 300));
	assert_int_equal(t.server.messages, 0);
	assert_int_equal(link_dropped(t.server.link), 0);
	check_only_the_honest();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		close(fds[i]);
}

#define HALF_OPEN 500

/* Handshakes that are begun and never ended. */
static void test_half_open(void **state UNUSED)
{
	static const unsigned char curve[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1,
		0x7f, 3, 0, 'C', 'U', 'R', 'V', 'E'};
	struct rlimit files = {2048, 2048};
	int fds[HALF_OPEN];
	int64_t began;

	setrlimit(RLIMIT_NOFILE, &files);
	bind_server(admit_matcher);
	for (int i = 0; i < HALF_OPEN; i++) {
		fds[i] = dial();
		if (i % 2)
			assert_int_equal(write(fds[i], curve, 64), 64);
	}
	began = clock_mono();
	check_only_the_honest();
	assert_in_range(clock_mono() - began, 0, 20000);
	for (int i = 0; i < HALF_OPEN; i++)
		close(fds[i]);
}

static void test_keys_that_are_missing(void **state UNUSED)
{
	struct link_options o = {
		.keys = "/tmp/none", .role = "ingress", .admit = admit_matcher};
	struct err err = {0};
	const char *address = "tcp://127.0.0.1:5701";
	char path[200];

	assert_null(link_bind(t.loop, "tcp://127.0.0.1:*", &o, &events,
		&t.server, &err));
	assert_string_equal(err.text, "cannot read the key /tmp/none/"
		"ingress.key: No such file or directory");
	o.keys = t.keys;
	snprintf(path, sizeof(path), "%s/matcher.pub", t.keys);
	unlink(path);
	assert_null(link_bind(t.loop, "tcp://127.0.0.1:*", &o, &events,
		&t.server, &err));
	assert_non_null(strstr(err.text, "/matcher.pub: No such file"));
	o.server_role = "matcher";
	assert_null(link_connect(
		t.loop, &address, 1, &o, &events, &t.honest, &err));
	assert_non_null(strstr(err.text, "/matcher.pub: No such file"));
}

/* Beyond this machine keys are enough; on ipc they are not used at all. */
static void test_where_keys_apply(void **state UNUSED)
{
	struct link_options o = {
		.keys = t.keys, .role = "ingress", .admit = admit_matcher};
	struct link_options none = {.keys = "/tmp/none", .role = "ingress"};
	char endpoint[100], path[100];
	struct err err = {0};
	struct link *k;

	k = link_bind(
		t.loop, "tcp://0.0.0.0:*", &o, &events, &t.server, &err);
	assert_non_null(k);
	link_close(k, 0);
	snprintf(endpoint, sizeof(endpoint), "ipc://%s/edge", t.keys);
	k = link_bind(t.loop, endpoint, &none, &events, &t.server, &err);
	assert_non_null(k);
	link_close(k, 0);
	snprintf(path, sizeof(path), "%s/edge.lock", t.keys);
	unlink(path);
}

/* Two servers of one process, each with its own list. */
static void test_lists_are_apart(void **state UNUSED)
{
	static const char *const admit_deployer[] = {"deployer", NULL};
	struct link_options o = {
		.keys = t.keys, .role = "logger", .admit = admit_deployer};
	struct end second = {.echo = true};
	char first[300];

	bind_server(admit_matcher);
	snprintf(first, sizeof(first), "%s", t.address);
	second.link = link_bind(
		t.loop, "tcp://127.0.0.1:*", &o, &events, &second, NULL);
	assert_non_null(second.link);
	snprintf(t.address, sizeof(t.address), "%s", link_address(second.link));
	connect_as(&t.intruder, t.keys, "matcher", "logger");
	assert_false(until(t.loop, never, 300));
	assert_int_equal(second.messages, 0);
	connect_as(&t.honest, t.keys, "deployer", "logger");
	assert_true(until(t.loop, honest_has_answer, 60000));
	assert_int_equal(second.messages, 1);
	assert_int_equal(t.intruder.ups, 0);
	/* With one gone, the other goes on. */
	link_close(second.link, 0);
	link_close(t.honest.link, 0);
	memset(&t.honest, 0, sizeof(t.honest));
	snprintf(t.address, sizeof(t.address), "%s", first);
	check_only_the_honest();
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_admitted),
		TEST(test_intruders),
		TEST(test_nobody_is_admitted),
		TEST(test_by_hand),
		TEST(test_half_open),
		TEST(test_keys_that_are_missing),
		TEST(test_where_keys_apply),
		TEST(test_lists_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
