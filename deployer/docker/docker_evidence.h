/*
 * What a new container that is given up leaves behind, for the row: its state,
 * its last health probes and its last lines. Never its environment.
 */
#ifndef DEPLOYER_DOCKER_EVIDENCE_H
#define DEPLOYER_DOCKER_EVIDENCE_H

#include "deployer/docker/docker_container.h"

/*
 * {"state":{...},"health":[...],"log":"..."} as text, far below the room of a
 * row; NULL where the container is gone. The caller frees it. A log driver
 * that cannot be read leaves no "log".
 */
char *docker_evidence_take(struct docker_api *api, const char *id);

/* Pure: of the inspected container and its last lines (empty: none). */
struct json *docker_evidence_of(const struct json *container, struct str log);

#endif
