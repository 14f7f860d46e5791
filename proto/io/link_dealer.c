#include "proto/io/link_internal.h"

#include "proto/base/clock.h"
#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* Between two connections to the same address. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 2000
/* For a last word before a drop. */
#define DROP_LINGER_MS 200
/* Look-ups in a row that an address is missing from before it is dropped. */
#define ABSENT_MAX 2

/*
 * Each connection has a ZeroMQ socket of its own, which is closed with it: a
 * message that is read belongs to the connection that stands, never to the one
 * before, and a handshake that failed, after which ZeroMQ would not connect
 * again by itself, is tried again.
 */
struct link_conn {
	struct list node; /* in the name's conns */
	struct link *link;
	char address[280]; /* "tcp://10.0.0.7:5701" */
	struct link_sock *sock; /* NULL between two tries */
	link_peer peer;    /* 0 while it does not stand */
	int64_t up_since;
	int64_t delay_ms;  /* before the next try */
	struct loop_timer *retry;
	int absent;        /* look-ups without it */
};

struct link_name {
	struct list node; /* in the link's names */
	struct link *link;
	struct link_endpoint endpoint;
	struct list conns;
	struct loop_timer *timer; /* next look-up */
	struct loop_lookup *pending;
};

/* Up to a fifth more: processes that started together part. */
static int64_t jitter(int64_t ms)
{
	uint16_t r;

	enc_random(&r, sizeof(r));
	return ms + ms * r / 65535 / 5;
}

/* ---- one connection ---------------------------------------------------- */

static void conn_open(struct link_conn *c);

static void on_retry(void *ctx)
{
	struct link_conn *c = ctx;

	c->retry = NULL;
	conn_open(c);
}

/* Ends the number, if there is one. */
static void conn_unname(struct link_conn *c)
{
	if (c->peer != 0)
		map_del(c->link->peers, link_peer_key(&c->peer));
	c->peer = 0;
}

static void conn_retry(struct link_conn *c, int64_t linger_ms)
{
	bool lasted = c->up_since &&
		clock_mono() - c->up_since >= RETRY_MAX_MS;

	link_sock_close(&c->sock, linger_ms);
	if (lasted || c->delay_ms == 0)
		c->delay_ms = RETRY_MIN_MS;
	else if (c->delay_ms < RETRY_MAX_MS)
		c->delay_ms *= 2;
	c->up_since = 0;
	loop_timer_cancel(&c->retry);
	c->retry = loop_timer_start(
		c->link->loop, jitter(c->delay_ms), 0, on_retry, c);
}

static void on_up(void *ctx)
{
	struct link_conn *c = ctx;
	struct link *k = c->link;

	if (c->peer != 0)
		return;
	c->peer = link_next_peer();
	c->up_since = clock_mono();
	map_put(k->peers, link_peer_key(&c->peer), c);
	if (k->ev.up)
		k->ev.up(k->ctx, c->peer, c->address);
}

static void on_lost(void *ctx)
{
	struct link_conn *c = ctx;
	struct link *k = c->link;
	link_peer peer = c->peer;

	conn_unname(c);
	conn_retry(c, 0);
	if (peer != 0 && k->ev.down)
		k->ev.down(k->ctx, peer);
}

static void on_message(void *ctx, struct str identity UNUSED, struct str body)
{
	struct link_conn *c = ctx;
	struct link *k = c->link;

	/* It may overtake the news that the connection stands. */
	if (c->peer == 0)
		link_sock_settle(c->sock);
	if (c->peer != 0)
		k->ev.message(k->ctx, c->peer, body);
	else
		k->dropped++;
}

static void conn_open(struct link_conn *c)
{
	static const struct link_sock_ops ops = {
		.message = on_message, .up = on_up, .lost = on_lost};
	struct err err = {0};

	c->sock = link_sock_open(c->link->loop, LINK_DEALER, &c->link->opt,
		c->link->curve, &ops, c);
	if (link_sock_connect(c->sock, c->address, &err) == 0)
		return;
	log_limited(LOG_WARN, c->address, "%s", err.text);
	conn_retry(c, 0);
}

static struct link_conn *conn_new(struct link_name *name, const char *address)
{
	struct link_conn *c = xcalloc(1, sizeof(*c));

	c->link = name->link;
	snprintf(c->address, sizeof(c->address), "%s", address);
	list_push_back(&name->conns, &c->node);
	conn_open(c);
	return c;
}

static void conn_free(struct link_conn *c, int64_t linger_ms)
{
	conn_unname(c);
	loop_timer_cancel(&c->retry);
	link_sock_close(&c->sock, linger_ms);
	list_remove(&c->node);
	free(c);
}

/* ---- names ------------------------------------------------------------- */

static struct link_conn *conn_find(struct link_name *name, const char *address)
{
	LIST_EACH(&name->conns, node) {
		struct link_conn *c =
			CONTAINER_OF(node, struct link_conn, node);

		if (strcmp(c->address, address) == 0)
			return c;
	}
	return NULL;
}

/* What the last look-up did not have is dropped when it was missing before. A
 * look-up that failed says nothing about a connection that stands. */
static void drop_absent(struct link_name *name, bool failed)
{
	struct link *k = name->link;

	LIST_EACH(&name->conns, node) {
		struct link_conn *c =
			CONTAINER_OF(node, struct link_conn, node);
		link_peer peer = c->peer;

		if (c->absent == 0 || (failed && peer != 0) ||
			c->absent < ABSENT_MAX)
			continue;
		log_info(NULL, "%s is gone from %s", c->address,
			name->endpoint.text);
		conn_free(c, 0);
		if (peer != 0 && k->ev.down)
			k->ev.down(k->ctx, peer);
	}
}

static void look_up(void *ctx);

static void on_resolved(void *ctx, char *const *addresses, size_t n,
	const struct err *err)
{
	struct link_name *name = ctx;
	char text[280];

	name->pending = NULL;
	name->timer = loop_timer_start(name->link->loop,
		jitter(name->link->opt.resolve_ms), 0, look_up, name);
	if (err)
		log_limited(LOG_WARN, name->endpoint.text, "%s", err->text);
	LIST_EACH(&name->conns, node)
		CONTAINER_OF(node, struct link_conn, node)->absent++;
	for (size_t i = 0; i < n; i++) {
		struct link_conn *c;

		link_endpoint_at(
			&name->endpoint, addresses[i], text, sizeof(text));
		c = conn_find(name, text);
		if (!c)
			c = conn_new(name, text);
		c->absent = 0;
	}
	drop_absent(name, err != NULL);
}

static void look_up(void *ctx)
{
	struct link_name *name = ctx;

	name->timer = NULL;
	name->pending = loop_resolve(
		name->link->loop, name->endpoint.host, on_resolved, name);
}

void link_name_add(struct link *k, const struct link_endpoint *e)
{
	struct link_name *name = xcalloc(1, sizeof(*name));
	char text[280];

	name->link = k;
	name->endpoint = *e;
	list_init(&name->conns);
	list_push_back(&k->names, &name->node);
	if (e->ipc || e->numeric) {
		link_endpoint_at(e, e->host, text, sizeof(text));
		conn_new(name, text);
	} else {
		look_up(name);
	}
}

void link_names_close(struct link *k, int64_t linger_ms)
{
	LIST_EACH(&k->names, node) {
		struct link_name *name =
			CONTAINER_OF(node, struct link_name, node);

		loop_resolve_cancel(&name->pending);
		loop_timer_cancel(&name->timer);
		LIST_EACH(&name->conns, c)
			conn_free(CONTAINER_OF(c, struct link_conn, node),
				linger_ms);
		free(name);
	}
}

/* ---- verbs ------------------------------------------------------------- */

int link_dealer_send(struct link *k, link_peer peer, struct str bytes)
{
	struct link_conn *c = map_get(k->peers, link_peer_key(&peer));

	return c ? link_sock_send(c->sock, (struct str){"", 0}, bytes) : -1;
}

void link_dealer_drop(struct link *k, link_peer peer)
{
	struct link_conn *c = map_get(k->peers, link_peer_key(&peer));

	if (!c)
		return;
	conn_unname(c);
	conn_retry(c, DROP_LINGER_MS);
}
