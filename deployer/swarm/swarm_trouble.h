/*
 * Why the engine does not do what only a Swarm's manager does: it is in no
 * Swarm at all, which stays so; or its Swarm cannot do it now: too few managers
 * are up, it is locked, a node is a worker as yet, or a manager that begins. A
 * status (503, 500) tells none of these from another, the engine's own account
 * of its Swarm does (Docker Engine API, GET /info, Swarm).
 */
#ifndef DEPLOYER_SWARM_TROUBLE_H
#define DEPLOYER_SWARM_TROUBLE_H

#include "deployer/docker/docker_api.h"

enum swarm_trouble {
	SWARM_NO_TROUBLE, /* the error is the call's own */
	SWARM_NO_SWARM,
	SWARM_WORKER,     /* a manager when someone promotes it */
	SWARM_NOT_NOW,    /* passes, or someone mends it */
};

/* err: of a call about services. why: what ails the Swarm, a part of a
 * sentence about the engine. */
enum swarm_trouble swarm_trouble_find(struct docker_api *api,
	const struct err *err, char *why, size_t n);
/* Pure: the same from the engine's /info. */
enum swarm_trouble swarm_trouble_judge(const struct json *info,
	const struct err *err, char *why, size_t n);

#endif
