/*
 * Whose a deployment is: the process that made the new container is told in a
 * label, so that another deployer at the same engine does not take it for a
 * dead one's, and finish or undo it while it is under way. An engine has one
 * deployer; a second one says so and waits.
 *
 * A process is known by its container, which the engine can be asked about, or
 * on this machine by its id and its start (proc(5)). Of one that is neither
 * nothing is known: it counts as dead, since a deployment that nobody ends would
 * be worse.
 */
#ifndef DEPLOYER_DOCKER_OWNER_H
#define DEPLOYER_DOCKER_OWNER_H

#include "deployer/docker/docker_api.h"

/* Of this process, for the label; the caller frees it. */
char *docker_owner_self(void);
/* 1 when it is another process than this one, and alive; 0 when not. -1: the
 * engine does not say. owner may be NULL or anybody's text. */
int docker_owner_is_other(struct docker_api *api, const char *owner,
	struct err *err);

#endif
