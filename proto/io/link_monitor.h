/*
 * What ZeroMQ tells of a socket's connections, as a second socket that is
 * read like the first. For link_sock.c.
 */
#ifndef PROTO_IO_LINK_MONITOR_H
#define PROTO_IO_LINK_MONITOR_H

#include "proto/base/base.h"

enum link_news {
	LINK_NEWS_NONE = 0,
	LINK_NEWS_UP,      /* the handshake is done */
	LINK_NEWS_LOST,    /* the connection is gone */
	LINK_NEWS_REFUSED, /* a key that is not admitted */
	LINK_NEWS_FAILED,  /* another mechanism, another protocol, silence */
};

/* A ZeroMQ socket; connections: UP and LOST are told as well. */
void *link_monitor_open(void *watched, bool connections);
enum link_news link_monitor_next(void *monitor);
void link_monitor_close(void *monitor, void *watched);

#endif
