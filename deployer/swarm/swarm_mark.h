/*
 * Which update is ours? A service tells neither who changed it nor which tasks
 * are whose; its version moves with every change of anything, and tasks of
 * before may have run the very image that it is to get. So each update's
 * TaskTemplate.ForceUpdate, the counter that `docker service update --force`
 * raises, is higher than that of anything of that image that the Swarm still
 * knows of the service: image and counter together are the update's mark. Where
 * nothing has that image the counter stays, unless every task is to be made
 * anew. Pure.
 */
#ifndef DEPLOYER_SWARM_MARK_H
#define DEPLOYER_SWARM_MARK_H

#include "proto/data/json.h"

/* The service's ForceUpdate. */
int64_t swarm_mark_now(const struct json *service);

/* The mark of the service's next update to that digest; all: every task of it.
 * anew: it runs that image already, and is to be made anew. */
int64_t swarm_mark_next(const struct json *service, const struct json *all,
	const char *digest, bool anew);

/* An update that was written down before it was asked for. */
struct swarm_mark {
	const char *from, *to; /* digests, "" not known */
	int64_t version;       /* the service's, then */
	int64_t mark;          /* -1: not written */
};

/* Did the engine get it? It also did if someone else gave the service that
 * image: then there is nothing to be asked for any more. */
bool swarm_mark_landed(const struct json *service, const struct json *all,
	const struct swarm_mark *m);

#endif
