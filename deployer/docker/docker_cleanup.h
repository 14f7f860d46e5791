/*
 * Removes images that were replaced here and that nobody needs: not the one
 * that runs, not the one before it, nor the one before of any other target of
 * the engine that is there, none that any container was made from, and none
 * that has a name in another repository, for a removal takes all names.
 */
#ifndef DEPLOYER_DOCKER_CLEANUP_H
#define DEPLOYER_DOCKER_CLEANUP_H

#include "deployer/docker/docker_task.h"

/* Of the container of that name, as docker_memory.h knows it. Whatever cannot
 * be removed now is looked at again next time. */
void docker_cleanup_run(struct docker_task *t, const char *name);

#endif
