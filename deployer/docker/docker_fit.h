/*
 * Does the pushed image belong into this container? The pushed reference
 * becomes the container's image whatever tag it ran; what speaks against it is
 * a container of another repository under a rule for many, an image that was
 * pinned on purpose, and the two opt-outs same_tag_only and no_downgrade.
 * Pure.
 */
#ifndef DEPLOYER_DOCKER_FIT_H
#define DEPLOYER_DOCKER_FIT_H

#include "proto/data/conf.h"
#include "proto/data/json.h"

struct docker_fit {
	const struct conf_trigger *trigger;
	const char *reference; /* repository:tag that was pushed */
	const struct json *container; /* inspected */
	const struct json *image; /* the one that it runs, inspected, or NULL */
};

/* 0, or -1 with a sentence for a row. */
int docker_fit_check(const struct docker_fit *f, struct err *err);

#endif
