/*
 * Which containers a target is, and whether each may be replaced. A target is
 * found by its exact name, or by the labels of its Compose project and
 * service; what an unfinished deployment left under a temporary name is listed
 * with it, for docker_settle.h.
 */
#ifndef DEPLOYER_DOCKER_PICK_H
#define DEPLOYER_DOCKER_PICK_H

#include "deployer/docker/docker_container.h"
#include "proto/data/conf.h"

/* The engine's list of them, in any state; NULL on an error. */
struct json *docker_pick_list(struct docker_api *api,
	const struct conf_deploy *deploy, struct err *err);
/* Pure: drops one-off containers and those under temporary names; sorts by
 * Compose's container number. */
void docker_pick_sort(struct json *list);

/*
 * Pure: 0 when the inspected container is to be replaced; *was is what
 * docker_swap.h has then, a literal. -1 with a sentence that says why not.
 * stopped: enum conf_stopped. self: our own container too.
 */
int docker_pick_judge(const struct json *container, int stopped, bool self,
	const char **was, struct err *err);

#endif
