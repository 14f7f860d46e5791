/*
 * The triggers that the services of an engine's Swarm have as labels of their
 * own (Spec.Labels, not those of their containers).
 */
#ifndef DEPLOYER_SWARM_LABELS_H
#define DEPLOYER_SWARM_LABELS_H

#include "deployer/docker/docker_labels.h"

/* Adds them to the triggers of the set. 0, also where the engine is in no
 * Swarm, is a worker, or tells us nothing of services; or -1: also where its
 * Swarm cannot tell now, for its triggers have not gone. */
int swarm_labels_add(struct docker_api *api, struct json *triggers,
	struct opt_errors *faults, struct err *err);

/* Pure: as docker_labels_trigger(), of an inspected service. */
struct json *swarm_labels_trigger(const struct json *service,
	struct opt_errors *faults);

#endif
