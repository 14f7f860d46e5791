/*
 * Files that Compose wrote into a container when it made it, so that a
 * successor made from the container's settings would be without them (Compose
 * specification, "secrets" and "configs"): a secret or config whose value is in
 * the project or the environment is no mount but a copy. Compose 2.26 writes
 * it when it creates the container, 2.40 before each start that is an `up`, as
 * root and mode 0444 unless told, at the time of writing rounded to a whole
 * second, which is what no file has that a program writes by itself.
 *
 * Not seen: one that 2.40 wrote anew more than ten minutes after the creation,
 * once the container was started by somebody else since.
 */
#ifndef DEPLOYER_DOCKER_WRITTEN_H
#define DEPLOYER_DOCKER_WRITTEN_H

#include "deployer/docker/docker_container.h"

/* Files that are looked at, those next to the root first; others are not. */
#define DOCKER_WRITTEN_MAX 500

/*
 * 0; or -1 with the sentence that refuses, or DOCKER_API_NO_ANSWER. Containers
 * that Compose did not make are not asked about; a storage driver that is
 * unable to tell refuses nothing.
 */
int docker_written_check(struct docker_api *api,
	const struct json *container, struct err *err);

/* ---- pure, for it */

bool docker_written_is_possible(const struct json *container);
/* changes: the engine's list of the container's own files (Docker Engine API,
 * ContainerChanges). The paths where secrets are, as below: those that may be
 * files, are new and no mounts'. */
struct json *docker_written_secrets(const struct json *container,
	const struct json *changes, size_t max);
/* stat: what the engine tells of one of them (ContainerArchiveInfo). One that
 * the container wrote for itself has a finer time. */
bool docker_written_is_secret(const struct json *stat);
/* The paths, as an array that the caller frees, that may be files and are no
 * mounts': max of them. *more: how many were left out. */
struct json *docker_written_candidates(const struct json *container,
	const struct json *changes, size_t max, size_t *more);
bool docker_written_is_copy(const struct json *container,
	const struct json *stat);
/* The same of the folder it is in: are times finer than a second kept here?
 * Else every file looks like a copy. */
bool docker_written_is_fine(const struct json *stat);

#endif
