/*
 * All of one replacement that changes nothing yet at the old container: look
 * at it, bring the image, and work out the successor. What can be refused is
 * refused here.
 */
#ifndef DEPLOYER_DOCKER_PREPARE_H
#define DEPLOYER_DOCKER_PREPARE_H

#include "deployer/docker_spec.h"
#include "deployer/docker_task.h"

struct docker_replace {
	struct docker_task *t;
	struct docker_swap *swap; /* the note's */
	struct json *old, *old_image, *sources, *info;
	struct docker_spec spec;
	bool auto_remove; /* the old one vanishes when it stops */
	bool stopped;     /* the old one is: from here on back means started */
};

/* 0 and r is filled; or -1 and *res says why nothing is to be done. Released
 * by the caller either way. */
int docker_prepare(struct docker_replace *r, const char *id,
	struct driver_result *res);
void docker_prepare_release(struct docker_replace *r);

#endif
