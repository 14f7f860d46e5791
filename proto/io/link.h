/*
 * A ZeroMQ socket as bytes to and from peers: a bound ROUTER, or one
 * connected DEALER for each address behind a list of endpoints. Names are
 * resolved to all their addresses, and again every few seconds: new ones are
 * connected, gone ones dropped. High-water marks are small, messages are at
 * most MSG_MAX bytes, nothing here is storage. Only file with zmq.h.
 *
 * Plain tcp is refused outside loopback unless keys are given; ipc endpoints
 * live in a folder made 0700, and a lock file beside the socket refuses a
 * second owner (a second bind would silently take the first one's messages).
 */
#ifndef PROTO_IO_LINK_H
#define PROTO_IO_LINK_H

#include "proto/io/loop.h"
#include "proto/base/str.h"

struct link;

/* A peer is one connection: an identity at a ROUTER, an address at a DEALER.
 * The number is never used again in this process. */
typedef uint64_t link_peer;

struct link_events {
	/* DEALER: a connection to an address exists (again); say HELLO. */
	void (*up)(void *ctx, link_peer peer, const char *address);
	/* DEALER: the address is gone from its name. ROUTER: never called. */
	void (*down)(void *ctx, link_peer peer);
	void (*message)(void *ctx, link_peer peer, struct str bytes);
};

struct link_options {
	size_t max_message; /* bytes */
	int hwm;            /* messages a peer */
	int64_t resolve_ms; /* how often names are looked up again */
	const char *keys;   /* folder of CURVE keys, or NULL (see keys.h) */
	const char *role;   /* whose key is ours */
	const char *const *admit; /* ROUTER: roles whose keys may connect */
	bool plain;         /* tcp without keys is allowed beyond loopback */
};

/* NULL with err: the endpoint is taken, malformed or not allowed. */
struct link *link_bind(struct loop *l, const char *endpoint,
	const struct link_options *opt, const struct link_events *ev, void *ctx,
	struct err *err);
struct link *link_connect(struct loop *l, const char *const *endpoints,
	size_t n, const struct link_options *opt, const struct link_events *ev,
	void *ctx, struct err *err);
/* 0 when handed to the transport; -1 when the peer is gone or full. Being
 * handed over promises nothing. */
int link_send(struct link *k, link_peer peer, struct str bytes);
/* A ROUTER forgets what it knows of the peer. A DEALER reconnects: its peer
 * number ends and up is called with a new one. */
void link_drop(struct link *k, link_peer peer);
/* Up to linger_ms for what was handed over, then closes. */
void link_close(struct link *k, int64_t linger_ms);

#endif
