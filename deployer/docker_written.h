/*
 * Files that Compose wrote into a container when it made it. A secret from an
 * environment variable is no mount but a copy at /run/secrets (Compose
 * specification, "secrets"), so a successor made from the container's settings
 * would be without it. Pure.
 */
#ifndef DEPLOYER_DOCKER_WRITTEN_H
#define DEPLOYER_DOCKER_WRITTEN_H

#include "proto/base/err.h"
#include "proto/data/json.h"

/* Only then are its changes worth asking for. */
bool docker_written_is_possible(const struct json *container);

/* changes: the engine's list of the container's own files (Docker Engine API,
 * ContainerChanges). 0; or -1 with the sentence that refuses. */
int docker_written_check(const struct json *container,
	const struct json *changes, struct err *err);

#endif
