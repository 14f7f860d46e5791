/*
 * Looks at an update again and again, tells how far it is, and stops where the
 * judge says that it is over, the time is, or the job is cancelled.
 */
#ifndef DEPLOYER_SWARM_WATCH_H
#define DEPLOYER_SWARM_WATCH_H

#include "deployer/swarm/swarm_rollout.h"
#include "deployer/swarm/swarm_wait.h"

typedef enum swarm_state swarm_judge_fn(const struct swarm_look *l);

/*
 * Until fn says that it is over, or limit_ms are: *state tells. Where Swarm
 * goes back by itself it has the time for that anew. -1 with *res.
 */
int swarm_watch(struct swarm_rollout *r, swarm_judge_fn *fn, int64_t limit_ms,
	enum swarm_state *state, struct driver_result *res);
/* As swarm_rollout_fail(), of an update under way: the service may be gone. */
void swarm_watch_fail(const struct swarm_rollout *r, const struct err *err,
	struct driver_result *res);

#endif
