/*
 * `deploy: {service: NAME}`: a Swarm service of the engine gets the pushed
 * image. Swarm replaces the tasks, by the service's own UpdateConfig; what is
 * here is which image, whether, once, and whether it went well.
 *
 *   inspect, ask the registry | note, update (again if someone else was
 *   quicker), wait | where it failed and Swarm does not: note, back, wait
 *
 * After a crash the job runs again and goes on from its note: an update that
 * the engine has is waited for, never asked for twice.
 */
#ifndef DEPLOYER_SWARM_DEPLOY_H
#define DEPLOYER_SWARM_DEPLOY_H

#include "deployer/swarm/swarm_rollout.h"

/* The task's note is loaded. Always fills *res. */
void swarm_deploy(struct docker_task *t, struct driver_result *res);

/*
 * All that changes nothing yet: the service is inspected, the image's digest
 * is in the note, and it is to be updated. -1 with *res.
 */
int swarm_deploy_prepare(struct swarm_rollout *r, struct driver_result *res);

#endif
