/*
 * The process's one ZeroMQ context: made with its first socket, ended with its
 * last. For the other link_*.c.
 */
#ifndef PROTO_IO_LINK_CONTEXT_H
#define PROTO_IO_LINK_CONTEXT_H

#include "proto/base/base.h"

/* Each hold is released once, after the sockets opened under it are closed. */
void *link_context_hold(void);
/* The last one waits for what still lingers. */
void link_context_release(void);

/* A socket of the context, which the caller holds; exits when there is none
 * to be had. */
void *link_context_socket(int type);
/* Its ZMQ_FD. */
int link_context_fd(void *socket);
/* There is something to read. Also makes ZeroMQ look at its news. */
bool link_context_readable(void *socket);

#endif
