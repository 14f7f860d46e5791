/*
 * Which platforms a trigger takes (`platforms`). Pure.
 */
#ifndef DEPLOYER_DOCKER_PLATFORM_H
#define DEPLOYER_DOCKER_PLATFORM_H

#include "proto/data/conf.h"
#include "proto/data/json.h"

/* Is the inspected image of one of the trigger's platforms, if it names any?
 * One without variant takes every variant. 0; or -1 with the sentence, also of
 * an image that does not tell. */
int docker_platform_fits(const struct json *image,
	const struct conf_trigger *t, struct err *err);

#endif
