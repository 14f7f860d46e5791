/*
 * Several containers that are replaced together, for docker_settle.c, and what
 * both ask. Only the files docker_settle*.c include this.
 */
#ifndef DEPLOYER_DOCKER_SETTLE_PART_H
#define DEPLOYER_DOCKER_SETTLE_PART_H

#include "deployer/docker/docker_settle.h"

/* Settles a job of several; as docker_settle_job(). */
int docker_settle_batch(const struct docker_settle *how,
	const struct json *list, struct docker_note *note, struct err *err);

/* That s could be neither replaced nor restored, and what to type: for the log,
 * and the caller's to free. */
char *docker_settle_stuck(const struct docker_settle *how,
	const struct docker_swap *s, const struct err *e);
/* The deployment that a listed container is of, or NULL: also of one that is
 * kept, which is not under way any more. */
const char *docker_settle_did(const struct docker_settle *how,
	const struct json *container);
/* Is that deployment the note's job? */
bool docker_settle_is_of(const struct docker_note *note, const char *did);

#endif
