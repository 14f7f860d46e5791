/*
 * One container of a deploy, in one of two orders. All that can be refused is
 * asked before the old one is stopped: its successor is created, under a
 * temporary name, first.
 *
 *   stop-first   inspect, pull, create NAME.new-ID, connect | stop old, policy
 *                "no", rename old NAME.old-ID, rename new NAME, start new, gate
 *   start-first  inspect, pull, create, connect | start new, gate, rename old,
 *                rename new, wait, stop old, policy "no"
 *
 * Then the old container is only asleep, until all of the deploy are good
 * (docker_batch.h). Where one fails all go back. The journal is written before
 * each step.
 */
#ifndef DEPLOYER_DOCKER_REPLACE_H
#define DEPLOYER_DOCKER_REPLACE_H

#include "deployer/docker/docker_follow.h"

struct docker_replacing {
	struct docker_task *t;
	struct docker_follow follow;
	const struct json *targets; /* as listed */
	/* Takes a container's name for this deploy. */
	int (*claim)(void *ctx, const char *name, struct err *err);
	void *ctx;
	/* Why start-first was asked for and is not done, or "". */
	char stop_first[200];
	/* Why Compose was asked for and not run, or "". */
	char without_files[300];
};

/* id: the old container. Fills *res: DEPLOYED (it waits in the note's batch),
 * UNCHANGED, REFUSED; or why not, and all is back or left to a later attempt. */
void docker_replace_container(struct docker_replacing *p, const char *id,
	struct driver_result *res);
/* All of the targets are replaced: what depends on them follows, and the old
 * ones are removed. *res is changed only if something fails. */
void docker_replace_end(struct docker_replacing *p, struct driver_result *res);

#endif
