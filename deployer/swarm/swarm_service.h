/*
 * The engine's calls about the services of its Swarm (Docker Engine API,
 * Service and Task); errors as docker_api.h has them. Only a manager answers
 * them.
 */
#ifndef DEPLOYER_SWARM_SERVICE_H
#define DEPLOYER_SWARM_SERVICE_H

#include "deployer/docker/docker_api.h"

/* By its name or whole id; err->code is 404 when there is none. The caller
 * frees it. */
struct json *swarm_service_inspect(struct docker_api *api, const char *name,
	struct err *err);
/* Those that have the label; the caller frees the list. */
struct json *swarm_service_list(struct docker_api *api, const char *label,
	struct err *err);

/* Tasks of the service: */
enum swarm_tasks {
	SWARM_TASKS_ALL,     /* with those that have ended, as far as kept */
	SWARM_TASKS_NOW,     /* that are to run */
	SWARM_TASKS_CURRENT, /* made by the service's Spec as it is */
};
struct json *swarm_service_tasks(struct docker_api *api, const char *id,
	enum swarm_tasks which, struct err *err);

/*
 * The inspected service gets that Spec. auth: of X-Registry-Auth; "" leaves
 * what the Swarm has stored for it. Nothing was done if someone else changed
 * the service since it was inspected: swarm_service_is_conflict().
 */
int swarm_service_update(struct docker_api *api, const struct json *service,
	const struct json *spec, const char *auth, struct err *err);
/* It gets its PreviousSpec again, all of it. */
int swarm_service_rollback(struct docker_api *api, const struct json *service,
	struct err *err);
bool swarm_service_is_conflict(const struct err *err);

#endif
