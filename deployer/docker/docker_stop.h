/*
 * How a container comes to its end: by a signal of the trigger's
 * (`stop_signal`) or by the container's own, and in the container's own time.
 * Doing it again changes nothing, so it may be repeated after a crash.
 */
#ifndef DEPLOYER_DOCKER_STOP_H
#define DEPLOYER_DOCKER_STOP_H

#include "deployer/docker/docker_container.h"

/*
 * 0 when it does not run any more; gone is stopped. signal: NULL for its own.
 * A signal is sent as a kill. Engines would start the container again after it
 * and leave a paused one asleep, also where it is the signal of a stop (API
 * 1.42), unless it is the container's own: so its restart policy is "no"
 * first. One that is still there after its StopTimeout is killed for good.
 */
int docker_stop(struct docker_api *api, const char *id, const char *signal,
	struct err *err);
/* Policy "no": a stopped container is then not started with the engine. */
int docker_stop_retire(struct docker_api *api, const char *id,
	struct err *err);

#endif
