/*
 * A simulated clock, loop and link, in place of proto/io's: time passes when
 * sim_step() says so, connections lose what is under way, processes stand
 * still, and each run can be repeated by its seed. Included by one test,
 * which is linked with these instead of the real ones.
 */
#ifndef TESTS_UNIT_PROTO_SIM_H
#define TESTS_UNIT_PROTO_SIM_H

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/mem.h"
#include "proto/base/strbuf.h"
#include "proto/io/link.h"
#include "proto/io/loop_drop.h"

#define SIM_PROCS 8

struct loop {
	int proc;
};

struct loop_timer {
	struct list node;
	int proc;
	int64_t at;
	uint64_t order;
	void (*fn)(void *ctx);
	void (*drop)(void *ctx); /* of a post, or NULL */
	void *ctx;
};

struct link {
	int proc;
	char *endpoint; /* bound */
	struct link_events ev;
	void *ctx;
	bool dead; /* what it sends goes nowhere */
};

/* One connection of a connecting link to a bound one. */
struct sim_conn {
	struct list node;
	char *endpoint;
	struct link *dealer, *router; /* router: NULL while not connected */
	link_peer dealer_peer, router_peer; /* router_peer: 0 before a word */
	int64_t last_at[2]; /* keeps each direction in order */
	bool queues; /* takes messages while not connected */
	bool tells;  /* a reconnection is told with up() */
	bool told;
};

enum { TO_ROUTER, TO_DEALER };

struct sim_packet {
	struct list node;
	struct sim_conn *conn;
	int dir;
	int64_t at;
	uint64_t order;
	bool up; /* not a message: the connection exists */
	struct strbuf bytes;
};

static struct {
	unsigned seed;
	int64_t now;
	uint64_t order;
	link_peer last_peer;
	struct list timers, packets, conns;
	struct link *links[SIM_PROCS]; /* one of each process, or NULL */
	int64_t stopped_until[SIM_PROCS];
	int lose; /* one message of so many is lost; 0: none */
} sim;

static int sim_pick(int n)
{
	return (int)((unsigned)rand_r(&sim.seed) % (unsigned)n);
}

static void sim_start(unsigned seed)
{
	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	sim.now = 1000;
	list_init(&sim.timers);
	list_init(&sim.packets);
	list_init(&sim.conns);
}

/* ---- clock and loop ------------------------------------------------------ */

int64_t clock_mono(void)
{
	return sim.now;
}

int64_t clock_wall(void)
{
	return sim.now;
}

void clock_sleep(int64_t ms)
{
	(void)ms;
}

struct loop_timer *loop_timer_start(struct loop *l, int64_t first_ms,
	int64_t repeat_ms, void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	if (repeat_ms != 0)
		BUG("timers that repeat are not simulated");
	t->proc = l->proc;
	t->at = sim.now + first_ms;
	t->order = ++sim.order;
	t->fn = fn;
	t->ctx = ctx;
	list_push_back(&sim.timers, &t->node);
	return t;
}

void loop_timer_cancel(struct loop_timer **t)
{
	if (*t == NULL)
		return;
	list_remove(&(*t)->node);
	free_null(t);
}

void loop_drop_post(struct loop *l, void (*fn)(void *ctx),
	void (*drop)(void *ctx), void *ctx)
{
	loop_timer_start(l, 0, 0, fn, ctx)->drop = drop;
}

/* The loops end before what was posted is called. */
static UNUSED void sim_drop_posts(void)
{
	LIST_EACH(&sim.timers, node) {
		struct loop_timer *t =
			CONTAINER_OF(node, struct loop_timer, node);

		if (t->drop == NULL)
			continue;
		t->drop(t->ctx);
		loop_timer_cancel(&t);
	}
}

/* ---- connections --------------------------------------------------------- */

static struct sim_conn *conn_at(struct list *node)
{
	return CONTAINER_OF(node, struct sim_conn, node);
}

static struct sim_packet *packet_at(struct list *node)
{
	return CONTAINER_OF(node, struct sim_packet, node);
}

static void packet_free(struct sim_packet *p)
{
	strbuf_release(&p->bytes);
	free(p);
}

static struct sim_packet *packet_new(struct sim_conn *c, int dir)
{
	struct sim_packet *p = xcalloc(1, sizeof(*p));
	int64_t at = sim.now + sim_pick(20);

	if (at < c->last_at[dir])
		at = c->last_at[dir];
	c->last_at[dir] = at;
	p->conn = c;
	p->dir = dir;
	p->at = at;
	p->order = ++sim.order;
	list_push_back(&sim.packets, &p->node);
	return p;
}

/* What is under way is lost; what the connecting end queues perhaps not. */
static void packets_lost(const struct sim_conn *c, bool keep_queue)
{
	LIST_EACH(&sim.packets, node) {
		struct sim_packet *p = packet_at(node);

		if (p->conn != c || (keep_queue && p->dir == TO_ROUTER))
			continue;
		list_remove(&p->node);
		packet_free(p);
	}
}

static void conn_new(struct link *k, const char *endpoint)
{
	struct sim_conn *c = xcalloc(1, sizeof(*c));

	c->dealer = k;
	c->endpoint = xstrdup(endpoint);
	c->dealer_peer = ++sim.last_peer;
	c->queues = sim_pick(2);
	c->tells = sim_pick(2);
	list_push_back(&sim.conns, &c->node);
}

static void conn_free(struct sim_conn *c)
{
	packets_lost(c, false);
	list_remove(&c->node);
	free(c->endpoint);
	free(c);
}

/* The bound end sees another peer when it comes back. */
static void conn_break(struct sim_conn *c)
{
	packets_lost(c, c->queues && sim_pick(2));
	c->router = NULL;
	c->router_peer = 0;
}

static struct sim_conn *conn_of(const struct link *k, link_peer peer)
{
	LIST_EACH(&sim.conns, node) {
		struct sim_conn *c = conn_at(node);

		if ((c->dealer == k && c->dealer_peer == peer) ||
			(c->router == k && c->router_peer == peer))
			return c;
	}
	return NULL;
}

/* Connects what has somebody to connect to. */
static void sim_connect(void)
{
	LIST_EACH(&sim.conns, node) {
		struct sim_conn *c = conn_at(node);

		for (int i = 0; c->router == NULL && i < SIM_PROCS; i++) {
			struct link *k = sim.links[i];

			if (k == NULL || k->endpoint == NULL ||
				strcmp(k->endpoint, c->endpoint) != 0)
				continue;
			c->router = k;
			if (!c->told || c->tells)
				packet_new(c, TO_DEALER)->up = true;
			c->told = true;
		}
	}
}

static UNUSED void sim_break_some(void)
{
	LIST_EACH(&sim.conns, node) {
		if (conn_at(node)->router != NULL && sim_pick(4) == 0)
			conn_break(conn_at(node));
	}
}

/* ---- link ---------------------------------------------------------------- */

static struct link *link_new(struct loop *l, const char *endpoint,
	const struct link_events *ev, void *ctx)
{
	struct link *k = xcalloc(1, sizeof(*k));

	k->proc = l->proc;
	k->endpoint = xstrdup_null(endpoint);
	k->ev = *ev;
	k->ctx = ctx;
	sim.links[k->proc] = k;
	return k;
}

struct link *link_bind(struct loop *l, const char *endpoint,
	const struct link_options *opt, const struct link_events *ev, void *ctx,
	struct err *err)
{
	(void)opt;
	(void)err;
	return link_new(l, endpoint, ev, ctx);
}

struct link *link_connect(struct loop *l, const char *const *endpoints,
	size_t n, const struct link_options *opt, const struct link_events *ev,
	void *ctx, struct err *err)
{
	struct link *k = link_new(l, NULL, ev, ctx);

	(void)opt;
	(void)err;
	for (size_t i = 0; i < n; i++)
		conn_new(k, endpoints[i]);
	return k;
}

int link_send(struct link *k, link_peer peer, struct str bytes)
{
	struct sim_conn *c = conn_of(k, peer);
	int dir = c != NULL && c->dealer == k ? TO_ROUTER : TO_DEALER;

	if (k->dead)
		return 0;
	if (c == NULL || (c->router == NULL && !c->queues))
		return -1;
	/* The transport should not; we must see it when it does. */
	if (sim.lose != 0 && sim_pick(sim.lose) == 0)
		return 0;
	strbuf_add_str(&packet_new(c, dir)->bytes, bytes);
	return 0;
}

void link_drop(struct link *k, link_peer peer)
{
	struct sim_conn *c = conn_of(k, peer);

	if (c == NULL)
		return;
	if (c->router == k) {
		c->router_peer = 0;
		return;
	}
	conn_new(k, c->endpoint);
	conn_free(c);
}

/* Nothing lingers: a BYE may be lost, and nothing hangs on it. */
void link_close(struct link *k, int64_t linger_ms)
{
	(void)linger_ms;
	LIST_EACH(&sim.conns, node) {
		struct sim_conn *c = conn_at(node);

		if (c->dealer == k)
			conn_free(c);
		else if (c->router == k)
			conn_break(c);
	}
	sim.links[k->proc] = NULL;
	free(k->endpoint);
	free(k);
}

/* ---- time ---------------------------------------------------------------- */

/* A process that stands still does later what it has to. */
static int64_t when(int64_t at, int proc)
{
	int64_t until = sim.stopped_until[proc];

	return at > until ? at : until;
}

static void packet_arrives(struct sim_packet *p)
{
	struct sim_conn *c = p->conn;
	struct str bytes = strbuf_str(&p->bytes);

	/* Off the list first: who gets it may end the connection. */
	list_remove(&p->node);
	if (p->up) {
		c->dealer->ev.up(c->dealer->ctx, c->dealer_peer, c->endpoint);
	} else if (p->dir == TO_DEALER) {
		c->dealer->ev.message(c->dealer->ctx, c->dealer_peer, bytes);
	} else {
		if (c->router_peer == 0)
			c->router_peer = ++sim.last_peer;
		c->router->ev.message(c->router->ctx, c->router_peer, bytes);
	}
	packet_free(p);
}

static void timer_fires(struct loop_timer *t)
{
	void (*fn)(void *ctx) = t->fn;
	void *ctx = t->ctx;

	list_remove(&t->node);
	free(t);
	fn(ctx);
}

static bool sooner(int64_t at, uint64_t order, int64_t *best, uint64_t *first)
{
	if (at > *best || (at == *best && order > *first))
		return false;
	*best = at;
	*first = order;
	return true;
}

/* The earliest thing happens; false when it would be after until. */
static bool sim_step(int64_t until)
{
	struct loop_timer *t = NULL;
	struct sim_packet *p = NULL;
	int64_t at = until;
	uint64_t order = 0;

	LIST_EACH(&sim.timers, node) {
		struct loop_timer *x =
			CONTAINER_OF(node, struct loop_timer, node);

		if (sooner(when(x->at, x->proc), x->order, &at, &order))
			t = x;
	}
	LIST_EACH(&sim.packets, node) {
		struct sim_packet *x = packet_at(node);
		const struct sim_conn *c = x->conn;

		if (c->router == NULL)
			continue; /* queued until it is connected */
		if (sooner(when(x->at, x->dir == TO_DEALER ? c->dealer->proc :
							     c->router->proc),
			    x->order, &at, &order))
			p = x;
	}
	if (at > sim.now)
		sim.now = at;
	if (p != NULL)
		packet_arrives(p);
	else if (t != NULL)
		timer_fires(t);
	return p != NULL || t != NULL;
}

#endif
