/*
 * verify: registry in the http lane: before a notification is sent the registry
 * is asked, once a job, on a worker; then notify.h goes on. A registry that
 * cannot be asked is asked again on the schedule of pulls.
 */
#ifndef DEPLOYER_CONFIRM_H
#define DEPLOYER_CONFIRM_H

#include "deployer/attempt.h"

bool confirm_needed(const struct attempt *a);
/* Takes the attempt over. */
void confirm_start(struct attempt *a);

#endif
