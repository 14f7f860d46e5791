/*
 * The send command: posts the body that a registry of the source's type would
 * post, proved as the source asks for it, to the ingress of the configuration on
 * this machine. For trying triggers without a push.
 */
#ifndef INGRESS_SEND_H
#define INGRESS_SEND_H

#include "proto/data/conf.h"
#include "proto/base/err.h"

/* argv: send SOURCE REPOSITORY:TAG [--digest D] [--cert FILE --key FILE].
 * Prints the answer; the exit
 * code: 0 answered 2xx, 1 not, 2 wrong arguments. */
int send_run(const struct conf *conf, int argc, char **argv);

/* The URL of the source at the listener `http`, which may be bound to all
 * addresses: then loopback. token is put into the query unless empty. */
void send_url(const char *scheme, const char *http, const char *source,
	struct str token, struct strbuf *url);
/* Splits "REPOSITORY:TAG" in place; -1 when there is no tag. */
int send_split(char *reference, const char **tag);

#endif
