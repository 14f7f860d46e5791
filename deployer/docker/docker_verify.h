/*
 * verify: registry in an engine's lane: the engine asks the registry, by the
 * address, the trust and the login that it would pull with.
 */
#ifndef DEPLOYER_DOCKER_VERIFY_H
#define DEPLOYER_DOCKER_VERIFY_H

#include "deployer/docker/docker_task.h"

/* 0: go on, and what the tag is now is pinned; nothing is asked where it need
 * not be, when a person wants it (force), or when an earlier attempt at the job
 * went on already. -1: *res is
 * stale, refused, or a failure as of a pull. */
int docker_verify(struct docker_task *t, struct driver_result *res);
/* The digest that a reference has at its registry: 0, or -1. FAIL is a login
 * that the registry does not take. */
int docker_verify_digest(struct docker_task *t, const char *reference,
	char digest[DRIVER_DIGEST_MAX], struct err *err);

#endif
