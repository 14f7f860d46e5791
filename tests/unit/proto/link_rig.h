/*
 * What the tests of a link share: ends that note what they see, and a loop that
 * runs until something holds.
 */
#ifndef TESTS_UNIT_PROTO_LINK_RIG_H
#define TESTS_UNIT_PROTO_LINK_RIG_H

#include "proto/io/link.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/vec.h"
#include "tests/unit/proto/until_rig.h"

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

#define UNTIL(expression) \
	do { \
		if (!until(t.loop, expression, 60000)) \
			fail_msg("not reached: " #expression); \
	} while (0)

/* ---- ends -------------------------------------------------------------- */

static inline void on_up(void *ctx, link_peer peer, const char *address)
{
	struct end *e = ctx;

	e->ups++;
	assert_true(peer > e->peer); /* never the same again */
	e->peer = peer;
	snprintf(e->address, sizeof(e->address), "%s", address);
	assert_int_equal(link_send(e->link, peer, STR("hello")), 0);
}

static inline void on_down(void *ctx, link_peer peer UNUSED)
{
	struct end *e = ctx;

	e->downs++;
}

static inline void on_message(void *ctx, link_peer peer, struct str bytes)
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

static inline void bind_server(struct end *e, const char *endpoint)
{
	struct err err = {0};

	e->link = link_bind(t.loop, endpoint, &options, &events, e, &err);
	if (!e->link)
		fail_msg("%s", err.text);
}

static inline void connect_to(struct end *e, const char *endpoint)
{
	struct err err = {0};

	e->link = link_connect(
		t.loop, &endpoint, 1, &options, &events, e, &err);
	if (!e->link)
		fail_msg("%s", err.text);
}

static inline void close_end(struct end *e)
{
	link_close(e->link, 100);
	VEC_RELEASE(&e->seen);
	memset(e, 0, sizeof(*e));
}

static inline int setup(void **state UNUSED)
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

static UNUSED void remove_folder(const char *path)
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

static inline int teardown(void **state UNUSED)
{
	close_end(&t.client);
	close_end(&t.other);
	close_end(&t.server);
	loop_free(t.loop);
	remove_folder(t.folder);
	return 0;
}

/* ---- what to wait for --------------------------------------------------- */

static inline bool server_has_1(void)
{
	return t.server.messages == 1;
}

static inline bool client_has_1(void)
{
	return t.client.messages == 1;
}

static inline bool client_is_up_again(void)
{
	return t.client.ups == 2;
}

static inline bool server_has_2(void)
{
	return t.server.messages == 2;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

#endif
