/*
 * `compose_files: true`: a Compose service is replaced by Compose itself, so
 * that what its files say counts, .env, configs and secrets included. The
 * pushed image gets the tag, Compose recreates what runs another one, and the
 * gate decides; if it says no the tag goes back to the old image and Compose
 * is run once more. Where the project's files cannot be read here it is done
 * by the engine's API alone, as for any other container.
 */
#ifndef DEPLOYER_DOCKER_COMPOSE_H
#define DEPLOYER_DOCKER_COMPOSE_H

#include "deployer/docker/docker_task.h"

/* Owned, absolute. */
struct docker_compose_paths {
	char **v;
	size_t n, cap;
};

/* Where a project is, as its containers' labels tell it. */
struct docker_compose {
	char *project, *service, *folder;
	struct docker_compose_paths files;
	struct docker_compose_paths env_files; /* later ones win */
};

/* Pure: 0, or -1 with what is missing. */
int docker_compose_from_labels(const struct json *container,
	struct docker_compose *c, struct err *err);
void docker_compose_release(struct docker_compose *c);

/* May it be Compose that replaces them (listed)? 0, and *c is the caller's; or
 * -1 with why not. Changes nothing. */
int docker_compose_find(struct docker_task *t, const struct json *list,
	struct docker_compose *c, struct err *why);
/*
 * The service's containers (listed) by Compose. True: it is done or has
 * failed, *res says how. False: it is to be done by the API, since why.
 */
bool docker_compose_deploy(struct docker_task *t, const struct json *list,
	struct driver_result *res, struct err *why);

#endif
