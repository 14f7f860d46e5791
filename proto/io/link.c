#include "proto/io/link.h"

#include <errno.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"
#include "proto/io/link_internal.h"

#define MAX_MESSAGE_DEFAULT ((size_t)1 << 20)
#define RESOLVE_DEFAULT_MS 5000
/* Identities that are neither dropped nor heard of go after this long. */
#define FORGET_MS (10 * 60 * 1000)
#define KNOWN_MAX ((size_t)16384)

/* A peer of a ROUTER. */
struct link_known {
	link_peer peer;
	int64_t heard; /* mono ms */
	size_t n;
	unsigned char identity[255];
};

/* ---- both kinds -------------------------------------------------------- */

link_peer link_next_peer(void)
{
	static link_peer last;

	return ++last;
}

struct str link_peer_key(const link_peer *peer)
{
	return (struct str){(const char *)peer, sizeof(*peer)};
}

static const char *const *copy_list(const char *const *list)
{
	const char **copy;
	size_t n = 0;

	if (!list)
		return NULL;
	while (list[n])
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

static void free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

static struct link *link_new(struct loop *l, const struct link_options *opt,
	const struct link_events *ev, void *ctx)
{
	struct link *k = xcalloc(1, sizeof(*k));

	k->loop = l;
	k->opt = *opt;
	k->opt.keys = xstrdup_null(opt->keys);
	k->opt.role = xstrdup_null(opt->role);
	k->opt.server_role = xstrdup_null(opt->server_role);
	k->opt.admit = copy_list(opt->admit);
	if (opt->max_message == 0)
		k->opt.max_message = MAX_MESSAGE_DEFAULT;
	if (opt->resolve_ms <= 0)
		k->opt.resolve_ms = RESOLVE_DEFAULT_MS;
	k->ev = *ev;
	k->ctx = ctx;
	k->lock_fd = -1;
	k->peers = map_new();
	list_init(&k->names);
	return k;
}

static void link_free(struct link *k)
{
	link_curve_free(k->curve);
	free_text(k->opt.keys);
	free_text(k->opt.role);
	free_text(k->opt.server_role);
	for (size_t i = 0; k->opt.admit && k->opt.admit[i]; i++)
		free_text(k->opt.admit[i]);
	free((void *)(uintptr_t)k->opt.admit);
	map_free(k->peers);
	map_free(k->identities);
	if (k->lock_fd >= 0)
		close(k->lock_fd);
	free(k);
}

/* ---- ROUTER ------------------------------------------------------------ */

static void forget(struct link *k, struct link_known *p)
{
	map_del(k->identities, (struct str){(char *)p->identity, p->n});
	map_del(k->peers, link_peer_key(&p->peer));
	free(p);
}

static struct link_known *meet(struct link *k, struct str identity)
{
	struct link_known *p;

	if (map_len(k->identities) >= KNOWN_MAX ||
		identity.n > sizeof(p->identity))
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->peer = link_next_peer();
	p->n = identity.n;
	memcpy(p->identity, identity.p, identity.n);
	map_put(k->identities, identity, p);
	map_put(k->peers, link_peer_key(&p->peer), p);
	return p;
}

static void on_router_message(void *ctx, struct str identity, struct str body)
{
	struct link *k = ctx;
	struct link_known *p = map_get(k->identities, identity);

	if (!p)
		p = meet(k, identity);
	if (!p) {
		k->dropped++;
		log_limited(LOG_WARN, "link_known",
			"%s has more than %zu peers: a message of one more was "
			"thrown away", k->address, KNOWN_MAX);
		return;
	}
	p->heard = clock_mono();
	k->ev.message(k->ctx, p->peer, body);
}

static void on_sweep(void *ctx)
{
	struct link *k = ctx;
	int64_t before = clock_mono() - FORGET_MS;
	VEC(struct link_known *) old = {0};
	struct str key;
	void *value;

	for (size_t it = 0; map_next(k->identities, &it, &key, &value);) {
		struct link_known *p = value;

		if (p->heard < before)
			VEC_PUSH(&old, p);
	}
	for (size_t i = 0; i < old.n; i++)
		forget(k, old.v[i]);
	VEC_RELEASE(&old);
}

static int open_router(struct link *k, const struct link_endpoint *e,
	struct err *err)
{
	static const struct link_sock_ops ops = {.message = on_router_message};
	char text[280];

	if (e->ipc) {
		k->lock_fd = link_endpoint_lock(e, err);
		if (k->lock_fd < 0)
			return -1;
	}
	k->router = link_sock_open(
		k->loop, LINK_ROUTER, &k->opt, k->curve, &ops, k);
	/* ZeroMQ takes a name for that of a network interface. */
	link_endpoint_at(e, strcmp(e->host, "localhost") == 0 ? "127.0.0.1" :
			e->host, text, sizeof(text));
	if (link_sock_bind(k->router, text, err) != 0)
		return -1;
	link_sock_address(k->router, k->address, sizeof(k->address));
	k->identities = map_new();
	k->sweep = loop_timer_start(
		k->loop, FORGET_MS / 10, FORGET_MS / 10, on_sweep, k);
	return 0;
}

static int router_send(struct link *k, link_peer peer, struct str bytes)
{
	struct link_known *p = map_get(k->peers, link_peer_key(&peer));

	if (!p)
		return -1;
	if (link_sock_send(k->router,
		    (struct str){(char *)p->identity, p->n}, bytes) == 0)
		return 0;
	if (errno == EHOSTUNREACH)
		forget(k, p);
	return -1;
}

static void close_router(struct link *k, int64_t linger_ms)
{
	struct str key;
	void *value;

	loop_timer_cancel(&k->sweep);
	link_sock_close(&k->router, linger_ms);
	for (size_t it = 0;
		k->identities && map_next(k->identities, &it, &key, &value);)
		free(value);
}

/* ipc is protected by its folder. */
static int read_keys(struct link *k, bool ipc, bool server, struct err *err)
{
	if (!k->opt.keys || ipc)
		return 0;
	k->curve = link_curve_read(&k->opt, server, err);
	return k->curve ? 0 : -1;
}

/* ---- public ------------------------------------------------------------ */

struct link *link_bind(struct loop *l, const char *endpoint,
	const struct link_options *opt, const struct link_events *ev, void *ctx,
	struct err *err)
{
	struct link_endpoint e;
	struct link *k;

	if (link_endpoint_parse(&e, endpoint, true, err) != 0 ||
		link_endpoint_allow(&e, opt->keys, opt->plain, err) != 0)
		return NULL;
	k = link_new(l, opt, ev, ctx);
	if (read_keys(k, e.ipc, true, err) == 0 &&
		open_router(k, &e, err) == 0)
		return k;
	link_close(k, 0);
	return NULL;
}

struct link *link_connect(struct loop *l, const char *const *endpoints,
	size_t n, const struct link_options *opt, const struct link_events *ev,
	void *ctx, struct err *err)
{
	struct link_endpoint e;
	struct link *k;
	bool all_ipc = true;

	for (size_t i = 0; i < n; i++) {
		if (link_endpoint_parse(&e, endpoints[i], false, err) != 0 ||
			link_endpoint_allow(&e, opt->keys, opt->plain, err) !=
				0)
			return NULL;
		all_ipc &= e.ipc;
	}
	k = link_new(l, opt, ev, ctx);
	if (read_keys(k, all_ipc, false, err) != 0) {
		link_close(k, 0);
		return NULL;
	}
	for (size_t i = 0; i < n; i++)
		if (link_endpoint_parse(&e, endpoints[i], false, err) == 0)
			link_name_add(k, &e);
	return k;
}

int link_send(struct link *k, link_peer peer, struct str bytes)
{
	return k->router ? router_send(k, peer, bytes) :
			   link_dealer_send(k, peer, bytes);
}

void link_drop(struct link *k, link_peer peer)
{
	struct link_known *p;

	if (!k->router) {
		link_dealer_drop(k, peer);
		return;
	}
	p = map_get(k->peers, link_peer_key(&peer));
	if (p)
		forget(k, p);
}

void link_close(struct link *k, int64_t linger_ms)
{
	if (!k)
		return;
	close_router(k, linger_ms);
	link_names_close(k, linger_ms);
	link_free(k);
}

const char *link_address(const struct link *k)
{
	return k->address;
}

uint64_t link_dropped(const struct link *k)
{
	return k->dropped + (k->router ? link_sock_dropped(k->router) : 0);
}
