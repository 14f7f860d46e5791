/*
 * All of one replacement that changes nothing yet at the old container: look
 * at it, bring the image, and work out the successor. What can be refused is
 * refused here.
 */
#ifndef DEPLOYER_DOCKER_PREPARE_H
#define DEPLOYER_DOCKER_PREPARE_H

#include "deployer/docker/docker_spec.h"
#include "deployer/docker/docker_task.h"

struct docker_replace {
	struct docker_task *t;
	struct docker_swap *swap; /* the note's */
	struct json *old, *old_image, *sources, *info;
	struct json *memory; /* what is known about it, or NULL */
	/* What the new one runs: the task's, or of a dependent its own. */
	const struct json *image;
	const char *reference, *platform;
	char *own_reference, *own_platform;
	struct docker_spec spec;
	bool by_compose;  /* which writes again what it wrote into the old one */
	bool auto_remove; /* the old one vanishes when it stops */
	bool handed_over; /* to a helper: it is our own */
	bool started;     /* the new one was */
	bool stopped;     /* the old one is: from here on back means started */
};

/* 0 and r is filled; or -1 and *res says why nothing is to be done. Released
 * by the caller either way. */
int docker_prepare(struct docker_replace *r, const char *id,
	struct driver_result *res);
/*
 * The same for a container that depends on a target (old: inspected, taken
 * over): it gets its own image again. *s is filled for the note. What it will
 * be created from is known when its target has been replaced:
 * docker_prepare_body(), with the ids of the new containers by those of the
 * old ones.
 */
int docker_prepare_dependent(struct docker_replace *r, struct json *old,
	struct docker_swap *s, struct err *err);
int docker_prepare_body(struct docker_replace *r,
	const struct json *successors, struct err *err);
void docker_prepare_release(struct docker_replace *r);

#endif
