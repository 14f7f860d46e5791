/*
 * After a start, before any deploy at the engine: settles what an earlier
 * process left half done (docker_settle.h) and reports what became of the
 * jobs in the journal. A job whose work was undone, or is done in part, runs
 * again; one that is done or was rolled back ends with its row. Doing it
 * twice is harmless.
 */
#ifndef DEPLOYER_DOCKER_RECOVER_H
#define DEPLOYER_DOCKER_RECOVER_H

#include "deployer/driver.h"

/* The recover() of the driver. */
int docker_recover_engine(struct driver_recovery *rec, struct err *err);

#endif
