/*
 * A deploy that failed goes back: all of its containers, and what the row says
 * of it. What is written before it begins is what a recovery ends.
 */
#ifndef DEPLOYER_DOCKER_RETURN_H
#define DEPLOYER_DOCKER_RETURN_H

#include "deployer/docker/docker_task.h"

/* touched: an old container was stopped or a new one started, so that it is
 * the new image which has failed. Fills *res. */
void docker_return_run(struct docker_task *t, bool touched,
	const struct err *why, struct driver_result *res);

#endif
