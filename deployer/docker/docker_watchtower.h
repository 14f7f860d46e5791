/*
 * Watchtower's labels, as keys of a trigger of ours. Pure. What they mean to
 * Watchtower is in its documentation ("Container selection", "Lifecycle hooks",
 * "Linked containers", "Image cooldown"), of containrrr/watchtower and of its
 * successor nicholas-fedor/watchtower.
 */
#ifndef DEPLOYER_DOCKER_WATCHTOWER_H
#define DEPLOYER_DOCKER_WATCHTOWER_H

#include "proto/data/json.h"
#include "proto/data/opt.h"

#define DOCKER_WATCHTOWER_ENABLE "com.centurylinklabs.watchtower.enable"

/* Is the container to be updated? labels may be NULL. One that must not be
 * pulled is not, which is told in faults, as from the container. */
bool docker_watchtower_enabled(const struct json *labels, const char *from,
	struct opt_errors *faults);
/* Sets what they mean in out. One that means nothing here is told. */
void docker_watchtower_keys(const struct json *labels, const char *from,
	struct json *out, struct opt_errors *faults);

#endif
