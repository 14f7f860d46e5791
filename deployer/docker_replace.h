/*
 * Stop-first, one container. All that can be refused is asked before the old
 * one is stopped: its successor is created, under a temporary name, first.
 *
 *   inspect, pull, create NAME.new-ID, connect | stop old, policy "no",
 *   rename old NAME.old-ID, rename new NAME, start new, gate | remove old
 *
 * Until the stop everything can be undone without a trace; until the removal
 * the old container is only asleep. The journal is written before each step.
 */
#ifndef DEPLOYER_DOCKER_REPLACE_H
#define DEPLOYER_DOCKER_REPLACE_H

#include "deployer/docker_prepare.h"

/* id: the old container. Fills *res: DEPLOYED, UNCHANGED or why not; what is
 * left to a later attempt is in the note. */
void docker_replace_container(struct docker_task *t, const char *id,
	struct driver_result *res);

#endif
