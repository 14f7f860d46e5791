/*
 * The `plan` command for a Swarm service, by the code that updates it, up to
 * where it would change something.
 */
#ifndef DEPLOYER_SWARM_PLAN_H
#define DEPLOYER_SWARM_PLAN_H

#include "deployer/docker/docker_task.h"

/* Prints. 0; 1: it would not be updated. */
int swarm_plan(struct docker_task *t);

#endif
