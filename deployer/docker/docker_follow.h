/*
 * What depends on the target of a deploy (docker_depend.h) goes along with it:
 * put to sleep before the target is, created anew, from its own image, when
 * the target's successors are good.
 */
#ifndef DEPLOYER_DOCKER_FOLLOW_H
#define DEPLOYER_DOCKER_FOLLOW_H

#include "deployer/docker/docker_prepare.h"
#include "proto/base/vec.h"

struct docker_follow {
	bool looked, asleep;
	VEC(struct docker_replace) list;
};

/*
 * Finds them and prepares them, once a deploy. targets: the listed containers;
 * claim takes a container's name for this deploy. 0, or -1: the deploy is not
 * to be done; ERR_FAIL is a reason to refuse it. Nothing has been changed.
 */
int docker_follow_prepare(struct docker_follow *f, struct docker_task *t,
	const struct json *targets,
	int (*claim)(void *ctx, const char *name, struct err *err), void *ctx,
	struct err *err);
/* Puts them to sleep, once. */
int docker_follow_stop(struct docker_follow *f, struct docker_task *t,
	struct err *err);
/* Replaces each by a new one that refers to the successors in the note. */
int docker_follow_replace(struct docker_follow *f, struct docker_task *t,
	struct err *err);
void docker_follow_release(struct docker_follow *f);

#endif
