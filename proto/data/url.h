/*
 * Which trigger URLs may be configured and sent to. Ports as the registries'
 * own trigger consoles allow them (Alibaba ACR, "Manage triggers"; number for
 * number Squid's default Safe_ports): http 80, 21, 443, 70, 210, 280, 488,
 * 591, 777, 1025-65535; https 443 only.
 */
#ifndef PROTO_DATA_URL_H
#define PROTO_DATA_URL_H

#include "proto/base/err.h"
#include "proto/base/strbuf.h"

#define URL_MAX 2048 /* bytes */

struct url {
	bool https;
	char host[256]; /* lower case, an IPv6 literal without its brackets */
	bool ipv6;
	int port; /* the default one when none is written */
	struct str path_query; /* borrowed from the text; "/" when absent */
};

/* Splits an absolute http(s) URL; refuses user info, a fragment, control and
 * non-ASCII bytes, more than URL_MAX bytes. 0 or -1 with the sentence. */
int url_parse(struct str text, struct url *out, struct err *err);
/* The port rules. err->code is 0. For https on another port the sentence
 * says to use an http URL for other ports. */
int url_policy(const struct url *url, struct err *err);
/* The URL with the values of its query replaced by ***. */
void url_redact(struct str text, struct strbuf *out);

#endif
