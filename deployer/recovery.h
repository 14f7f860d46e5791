/*
 * After a start, or when an engine has come back: the driver looks at what was
 * left half done and reports how each such job ended. The reports travel to
 * the loop, end there as any job does, and return when they are on disk.
 */
#ifndef DEPLOYER_RECOVERY_H
#define DEPLOYER_RECOVERY_H

#include "deployer/deployer.h"
#include "deployer/driver.h"

/* On a worker thread; blocks. 0, or -1: to be tried again later. */
int recovery_run(struct deployer *d, const struct conf *conf,
	const struct conf_engine *engine,
	const struct driver *driver, struct err *err);

#endif
