/*
 * From an update that the engine has taken to its end: waits for Swarm, and
 * has it go back where it does not by itself. The note is written before the
 * way back is asked for. Each call looks first, so that it may be repeated
 * after a crash.
 */
#ifndef DEPLOYER_SWARM_ROLLOUT_H
#define DEPLOYER_SWARM_ROLLOUT_H

#include "deployer/docker/docker_task.h"
#include "deployer/swarm/swarm_service.h"
#include "deployer/swarm/swarm_since.h"

#define SWARM_CONFLICTS_MAX 10 /* attempts at one change */

struct swarm_rollout {
	struct docker_task *t; /* borrowed */
	const char *name;      /* of the service, borrowed */
	struct json *service;  /* as inspected last; owned */
	struct swarm_since *since; /* of its tasks; owned, NULL: none seen yet */
};

/* The service anew; -1 with err, and r->service is as before. */
int swarm_rollout_look(struct swarm_rollout *r, struct err *err);
/*
 * A call failed: the engine does not answer, its Swarm cannot do it now, it is
 * in none, or what the error says. The last two are FAILED.
 */
void swarm_rollout_fail(const struct swarm_rollout *r, const struct err *err,
	struct driver_result *res);
/* A moment before the next attempt at a change that met another one. */
void swarm_rollout_pause(int attempt);

/* Always fills *res. CANCELLED leaves the update to Swarm, and the note to
 * who comes next. */
void swarm_rollout_wait(struct swarm_rollout *r, struct driver_result *res);
/* The verdict is in: t->note.reason. */
void swarm_rollout_back(struct swarm_rollout *r, struct driver_result *res);
void swarm_rollout_release(struct swarm_rollout *r);

#endif
