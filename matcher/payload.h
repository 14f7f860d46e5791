/*
 * A webhook's body as events, for explain. Only ingress knows the senders'
 * bodies, so its program beside ours is run: `pullwire-ingress read`.
 */
#ifndef MATCHER_PAYLOAD_H
#define MATCHER_PAYLOAD_H

#include "proto/base/err.h"
#include "proto/base/vec.h"
#include "proto/msg/event.h"

struct payload {
	VEC(struct event) events; /* registry, repository, tag, digest */
	VEC(char *) ignored; /* sentences: understood, and nothing to do */
};

/* args: what `read` takes, NULL at the end. Fills a zeroed *p; release either
 * way. 0; or -1 with err, whose text is "" when the program has said it on
 * stderr. */
int payload_read(char *const *args, struct payload *p, struct err *err);
void payload_release(struct payload *p);

#endif
