/*
 * The containers of one deploy together: all of them end on the new image, or
 * all on the old one. Replicas are replaced one after the other, the first is
 * the canary; each old one is kept asleep until all new ones are good. What
 * depends on a target (docker_depend.h) is asleep meanwhile and is replaced
 * last.
 */
#ifndef DEPLOYER_DOCKER_BATCH_H
#define DEPLOYER_DOCKER_BATCH_H

#include "deployer/docker/docker_note.h"

/* Are there any that go along with the target? */
bool docker_batch_has_dependents(const struct docker_note *n);

/*
 * Back to the old ones, note->now included: the targets first, then what
 * depends on them. 0: all is as it was. -1 as docker_rollback_run(), and
 * *stuck (borrowed) is the one that could not be.
 */
int docker_batch_undo(struct docker_api *api, const struct docker_note *n,
	int64_t patience_ms, const struct docker_swap **stuck,
	struct err *err);
/* All new ones are good: removes the old ones. The journal says so first. */
int docker_batch_commit(struct docker_api *api, struct docker_note *n,
	struct err *err);
/* Puts the dependents to sleep, the last one first. */
int docker_batch_stop_dependents(struct docker_api *api,
	const struct docker_note *n, struct err *err);

#endif
