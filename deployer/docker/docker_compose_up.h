/*
 * Compose's own command, run: the plugin of docker's where there is one, else
 * docker-compose of either kind. It may take ten minutes.
 */
#ifndef DEPLOYER_DOCKER_COMPOSE_UP_H
#define DEPLOYER_DOCKER_COMPOSE_UP_H

#include "deployer/docker/docker_compose.h"

/* `up -d` of that one service at the api's engine. 0, or -1 with the last line
 * that Compose wrote. */
int docker_compose_up(const struct docker_api *api,
	const struct docker_compose *c, struct err *err);

#endif
