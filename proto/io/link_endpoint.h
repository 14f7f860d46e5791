/*
 * What an endpoint says, and whether it may be used as it is; the folder and
 * the lock of an ipc endpoint. For link.c.
 */
#ifndef PROTO_IO_LINK_ENDPOINT_H
#define PROTO_IO_LINK_ENDPOINT_H

#include "proto/base/err.h"
#include "proto/base/str.h"

struct link_endpoint {
	bool ipc;
	char text[280];  /* as it was written */
	char path[108];  /* ipc */
	char host[256];  /* tcp: without brackets; "*" */
	char port[8];    /* tcp: a number, or "*" */
	bool numeric;    /* tcp: host is an address */
};

int link_endpoint_parse(struct link_endpoint *e, const char *text, bool bind,
	struct err *err);
/* tcp beyond this machine without keys, and not declared plain: -1. */
int link_endpoint_allow(const struct link_endpoint *e, bool keys, bool plain,
	struct err *err);
/* "tcp://[fe80::1]:5701" for an address of the host. */
void link_endpoint_at(const struct link_endpoint *e, const char *address,
	char *text, size_t n);
/* Makes the folder, takes the lock; its descriptor, or -1 with err. */
int link_endpoint_lock(const struct link_endpoint *e, struct err *err);

#endif
