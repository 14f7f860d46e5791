/*
 * The engine lanes' attempts: a driver's deploy on a worker thread, and what
 * its result means for the job.
 */
#ifndef DEPLOYER_DEPLOY_H
#define DEPLOYER_DEPLOY_H

#include "deployer/attempt.h"

/* Runs it and ends the attempt. */
void deploy_start(struct attempt *a);

#endif
