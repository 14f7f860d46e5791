/*
 * One pull of a repository at a time at an engine, whichever targets want it:
 * who comes while one is under way waits, and takes its result if it wanted
 * the same digest. Any worker thread.
 */
#ifndef DEPLOYER_DOCKER_PULLS_H
#define DEPLOYER_DOCKER_PULLS_H

#include "deployer/docker/docker_image.h"

/* As docker_image_pull(). A tag is not shared: it may have moved since the
 * other one asked. */
int docker_pulls_do(struct docker_api *api, const struct docker_pull *pull,
	char digest[DRIVER_DIGEST_MAX], struct err *err);

#endif
