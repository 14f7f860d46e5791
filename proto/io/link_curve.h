/*
 * The keys of one link, read once when it is opened, and put on each of its
 * tcp sockets. For link.c and link_sock.c.
 */
#ifndef PROTO_IO_LINK_CURVE_H
#define PROTO_IO_LINK_CURVE_H

#include "proto/io/keys.h"
#include "proto/io/link.h"

struct link_curve;

/* For opt->keys, as the server or the client; NULL with err, which names the
 * file. */
struct link_curve *link_curve_read(const struct link_options *opt, bool server,
	struct err *err);
/* Sets the keys on a ZeroMQ socket before it binds or connects. */
void link_curve_apply(struct link_curve *c, struct loop *l, void *socket);
void link_curve_free(struct link_curve *c); /* wipes */

#endif
