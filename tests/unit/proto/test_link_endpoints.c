/* Where a link may be: sockets in folders, ports, names, several at once. */
#include "tests/unit/proto/link_rig.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "proto/base/clock.h"

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
	until(t.loop, never, 100); /* look-ups of names end */
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
	assert_false(until(t.loop, never, 500));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
