/*
 * Which containers stand on a target: they share its network, its processes,
 * its memory or its volumes, or are linked to it. The engine notes most of
 * that by the target's id, so a restart does not help them when the target is
 * replaced: they are created anew, after it.
 */
#ifndef DEPLOYER_DOCKER_DEPEND_H
#define DEPLOYER_DOCKER_DEPEND_H

#include "deployer/docker/docker_container.h"

/*
 * Pure: from all inspected containers those that depend on one of the targets
 * (an array of inspected or listed ones), directly or by another, into out
 * (an array): whom one depends on comes before it. -1: they depend on each
 * other in a circle.
 */
int docker_depend_order(const struct json *all, const struct json *targets,
	struct json *out, struct err *err);

/* The same by asking the engine. NULL on an error; the caller frees it. */
struct json *docker_depend_find(struct docker_api *api,
	const struct json *targets, struct err *err);

#endif
