/*
 * What a service's update that failed leaves behind, for the row: where Swarm
 * stands, the task that tells best what went wrong, and its last lines. Never
 * an environment.
 */
#ifndef DEPLOYER_SWARM_EVIDENCE_H
#define DEPLOYER_SWARM_EVIDENCE_H

#include "deployer/swarm/swarm_service.h"

/*
 * {"update":{...},"task":{...},"log":"..."} as text, far below the room of a
 * row; the caller frees it. Its words go into why, "" where no task of the
 * image with that digest has any.
 */
char *swarm_evidence_take(struct docker_api *api, const struct json *service,
	const char *digest, char *why, size_t n);

#endif
