/*
 * The steps of one replacement that change something, in no order yet; the
 * journal is written before each. docker_replace.h has the two orders. Errors
 * are sentences about the step; err->code as docker_api.h and docker_note.h.
 */
#ifndef DEPLOYER_DOCKER_STEP_H
#define DEPLOYER_DOCKER_STEP_H

#include "deployer/docker/docker_prepare.h"

/* The successor under its temporary name, on all its networks. */
int docker_step_create(struct docker_replace *r, struct err *err);
/* The old one ends, and no restart of the engine brings it back. */
int docker_step_stop(struct docker_replace *r, struct err *err);
/* The old one's name becomes a temporary one, the new one gets it. */
int docker_step_rename(struct docker_replace *r, struct err *err);
int docker_step_start(struct docker_replace *r, struct err *err);
/* Waits until it is known whether the new one is good. */
int docker_step_gate(struct docker_replace *r, struct err *err);

#endif
