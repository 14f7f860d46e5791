/*
 * Which version of the engine's API is spoken: the newest that both know,
 * DOCKER_API_VERSION at most. Not the newest of the engine, which may mean
 * something else by the same fields; and not an old one, which new engines do
 * not take and which loses fields (docker_spec.h has the two bounds). Pure.
 */
#ifndef DEPLOYER_DOCKER_VERSION_H
#define DEPLOYER_DOCKER_VERSION_H

#include "proto/data/json.h"

/* answer: of GET /version. The minor of 1.x, or -1 with a sentence that names
 * the endpoint. */
int docker_version_choose(const struct json *answer, const char *endpoint,
	struct err *err);

#endif
