/*
 * One ZeroMQ socket on the loop. ZMQ_FD tells of changes, not of readiness:
 * after each event and after each send, what the socket has is read until it
 * has no more. For link.c and link_dealer.c. zmq.h is in link_sock.c,
 * link_context.c, link_monitor.c, link_curve.c, link_zap.c and keys.c.
 */
#ifndef PROTO_IO_LINK_SOCK_H
#define PROTO_IO_LINK_SOCK_H

#include "proto/io/link_curve.h"

enum link_sock_kind { LINK_ROUTER, LINK_DEALER };

struct link_sock_ops {
	/* identity: ROUTER only. Both are borrowed for the call. */
	void (*message)(void *ctx, struct str identity, struct str body);
	/* DEALER: the connection stands. */
	void (*up)(void *ctx);
	/* DEALER: it is lost, or its handshake failed: close the socket. */
	void (*lost)(void *ctx);
};

struct link_sock;

/* curve: for tcp endpoints, or NULL; must outlive the socket. */
struct link_sock *link_sock_open(struct loop *l, enum link_sock_kind kind,
	const struct link_options *opt, struct link_curve *curve,
	const struct link_sock_ops *ops, void *ctx);
int link_sock_bind(struct link_sock *s, const char *endpoint, struct err *err);
int link_sock_connect(
	struct link_sock *s, const char *endpoint, struct err *err);
/* The endpoint it is bound to, with the real port. */
void link_sock_address(const struct link_sock *s, char *text, size_t n);
/* 0; -1 when the peer is gone (errno EHOSTUNREACH) or full (EAGAIN). */
int link_sock_send(struct link_sock *s, struct str identity, struct str body);
/* Looks whether the connection stands, before a message of it is told. */
void link_sock_settle(struct link_sock *s);
uint64_t link_sock_dropped(const struct link_sock *s);
/* Sets *s NULL; fine in a callback of the socket. */
void link_sock_close(struct link_sock **s, int64_t linger_ms);

#endif
