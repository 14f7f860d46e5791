/*
 * Services of the same Compose project that say `depends_on: SERVICE: {restart:
 * true}`: a plain restart when the service has been replaced, as Compose does
 * it. All others are left alone.
 */
#ifndef DEPLOYER_DOCKER_RESTART_H
#define DEPLOYER_DOCKER_RESTART_H

#include "deployer/docker_task.h"

/* Of the service's project; what fails is only told: 0, or -1. */
int docker_restart_dependents(struct docker_task *t, struct err *err);

/* Pure: is SERVICE in the label com.docker.compose.depends_on, which is
 * "SERVICE:CONDITION:RESTART,...", with restart? */
bool docker_restart_wanted(const char *label, const char *service);

#endif
