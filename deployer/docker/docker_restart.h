/*
 * What is restarted, as it is, when a target has been replaced: the services
 * of its Compose project that say `depends_on: SERVICE: {restart: true}`, as
 * Compose does it, and what the trigger lists as `restart_after`. Only what
 * runs; the deployer's own container never. It is done once: a deployer that
 * is killed before it does not come back to it.
 */
#ifndef DEPLOYER_DOCKER_RESTART_H
#define DEPLOYER_DOCKER_RESTART_H

#include "deployer/docker/docker_task.h"

/* 0; or -1 with the first that failed, for the row; the others were tried. */
int docker_restart_dependents(struct docker_task *t, struct err *err);

/* Pure: is SERVICE in the label com.docker.compose.depends_on, which is
 * "SERVICE:CONDITION:RESTART,...", with restart? */
bool docker_restart_wanted(const char *label, const char *service);

#endif
