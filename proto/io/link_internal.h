/* What the two kinds of link share. For link.c and link_dealer.c. */
#ifndef PROTO_IO_LINK_INTERNAL_H
#define PROTO_IO_LINK_INTERNAL_H

#include "proto/base/list.h"
#include "proto/base/map.h"
#include "proto/io/link.h"
#include "proto/io/link_endpoint.h"
#include "proto/io/link_sock.h"

struct link {
	struct loop *loop;
	struct link_options opt; /* its texts are ours */
	struct link_curve *curve; /* NULL without keys */
	struct link_events ev;
	void *ctx;
	struct map *peers; /* number -> struct link_known or link_conn */
	uint64_t dropped;

	/* bound: a ROUTER */
	struct link_sock *router;
	struct map *identities; /* identity -> struct link_known */
	struct loop_timer *sweep;
	int lock_fd;
	char address[280];

	/* connected: DEALERs */
	struct list names; /* struct link_name */
};

link_peer link_next_peer(void);
/* The key of a number in peers. */
struct str link_peer_key(const link_peer *peer);

/* link_dealer.c */
void link_name_add(struct link *k, const struct link_endpoint *e);
void link_names_close(struct link *k, int64_t linger_ms);
int link_dealer_send(struct link *k, link_peer peer, struct str bytes);
void link_dealer_drop(struct link *k, link_peer peer);

#endif
