/*
 * Who may connect to a CURVE server: ZeroMQ asks over ZAP (RFC 27) for each
 * handshake, and only the public keys that were admitted to the server's
 * domain pass. Answers on the loop. For link_curve.c.
 */
#ifndef PROTO_IO_LINK_ZAP_H
#define PROTO_IO_LINK_ZAP_H

#include "proto/io/loop.h"

#define LINK_ZAP_KEY 32 /* bytes */

/* One domain's list. */
struct link_zap;

/* Must be there before the server binds. domain is new. */
struct link_zap *link_zap_new(struct loop *l, const char *domain);
void link_zap_admit(struct link_zap *z, const unsigned char key[LINK_ZAP_KEY]);
/* With the last one, nobody answers any more: all handshakes fail. */
void link_zap_free(struct link_zap *z);

#endif
