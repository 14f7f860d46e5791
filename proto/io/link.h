/*
 * A ZeroMQ socket as bytes to and from peers: a bound ROUTER, or one
 * connected DEALER for each address behind a list of endpoints. Names are
 * resolved to all their addresses, and again every few seconds: new ones are
 * connected, gone ones dropped. High-water marks are small, messages are at
 * most max_message bytes, nothing here is storage.
 *
 * Endpoints are ipc://PATH and tcp://HOST:PORT (to bind, HOST may be "*").
 * Plain tcp is refused outside loopback unless keys are given; with keys, every tcp
 * connection is CURVE. ipc sockets live in a folder made 0700, and a lock file
 * beside the socket refuses a second owner (a second bind would silently take
 * the first one's messages).
 *
 * All links of a process are used from one thread, that of their loop.
 * Callbacks come from the loop only, never from within a call; they may send
 * and drop, but not close their own link.
 */
#ifndef PROTO_IO_LINK_H
#define PROTO_IO_LINK_H

#include "proto/io/loop.h"
#include "proto/base/str.h"

struct link;

/* A peer is one connection: an identity at a ROUTER, a connection that stands
 * at a DEALER. The number is never used again in this process; never 0. */
typedef uint64_t link_peer;

struct link_events {
	/* DEALER: a connection to an address stands (again, under a new
	 * number); say HELLO. ROUTER: never called. */
	void (*up)(void *ctx, link_peer peer, const char *address);
	/* DEALER: the connection is lost or its address gone from its name;
	 * what was sent and not answered may or may not have come, and what
	 * the peer sent last may be lost. ROUTER: never called: a silent peer
	 * shows by its missing heartbeats. */
	void (*down)(void *ctx, link_peer peer);
	void (*message)(void *ctx, link_peer peer, struct str bytes);
};

struct link_options {
	size_t max_message; /* bytes; 0: 1 MiB */
	int hwm;            /* messages a peer; 0: 64. ZeroMQ tells of room in
			       halves: take twice what may be under way */
	int64_t resolve_ms; /* how often names are looked up again; 0: 5 s */
	const char *keys;   /* folder of CURVE keys, or NULL (see keys.h) */
	const char *role;   /* whose key is ours */
	const char *server_role; /* connects: whose key the other end has */
	const char *const *admit; /* ROUTER: roles whose keys may connect,
				     NULL at the end */
	bool plain;         /* tcp without keys is allowed beyond loopback */
};

/* NULL with err: the endpoint is taken, malformed or not allowed. What opt
 * points to is copied. */
struct link *link_bind(struct loop *l, const char *endpoint,
	const struct link_options *opt, const struct link_events *ev, void *ctx,
	struct err *err);
struct link *link_connect(struct loop *l, const char *const *endpoints,
	size_t n, const struct link_options *opt, const struct link_events *ev,
	void *ctx, struct err *err);
/* 0 when handed to the transport; -1 when the peer is gone or full. Being
 * handed over promises nothing. */
int link_send(struct link *k, link_peer peer, struct str bytes);
/* A ROUTER forgets what it knows of the peer: its next message comes under a
 * new number. A DEALER reconnects: its peer number ends, without down, and up
 * is called with a new one. */
void link_drop(struct link *k, link_peer peer);
/* Up to linger_ms for what was handed over, then closes; the last link of a
 * process waits for that. */
void link_close(struct link *k, int64_t linger_ms);

/* Where it is bound: "tcp://127.0.0.1:5701", with the port that was free when
 * "*" was asked for. */
const char *link_address(const struct link *k);
/* Messages that were not of the right form and thrown away. */
uint64_t link_dropped(const struct link *k);

#endif
