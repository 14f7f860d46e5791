/*
 * One deploy() of the Docker driver under way: what its steps share.
 */
#ifndef DEPLOYER_DOCKER_TASK_H
#define DEPLOYER_DOCKER_TASK_H

#include "deployer/docker/docker_note.h"

struct docker_task {
	struct driver_run *run; /* borrowed */
	struct docker_api *api;
	struct docker_note note;
	char *repository; /* the name the image is pulled by */
	char *reference;  /* docker_ref_join(), the new Config.Image */
	struct json *image; /* the new one, inspected; NULL: not fetched yet */
	char *platform;     /* of the target; "" is the engine's own */
	char pulled[DOCKER_PULL_SUMMARY]; /* by this task; "" nothing */
	bool mends; /* a job that ended, or was cut off, left it stopped */
	int64_t lap;        /* clock_mono() at the end of the last phase */
};

/* The job's note: new, or of an earlier attempt. -1 with *res: it cannot be
 * read, or the attempt went back and had only to say so. */
int docker_task_begin(struct docker_task *t, struct driver_result *res);
/* The time since the last call goes to that phase. */
void docker_task_lap(struct docker_task *t, const char *phase);
void docker_task_progress(struct docker_task *t, const char *text);

/*
 * Brings the pushed image to the engine, once a task: by the digest that was
 * pushed, so that a tag which has moved on does not matter; where the sender
 * told none, by the tag, and what it is now is pinned. old_image: inspected,
 * for the platform. 0: t->image and t->note.to are set.
 */
int docker_task_fetch(struct docker_task *t, const struct json *old_image,
	struct err *err);
/* The login for the repository's registry, by the engine's docker_config.
 * Released by the caller either way. */
int docker_task_login(
	struct docker_task *t, struct registry_auth *login, struct err *err);
/* Makes repository:tag mean that image at the engine; of a digest, nothing. */
int docker_task_tag(struct docker_task *t, struct err *err);

#endif
