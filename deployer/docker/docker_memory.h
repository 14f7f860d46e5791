/*
 * What the Docker driver remembers beyond a job, in the journal's lasting part:
 *
 *   ENGINE target TARGET     what was deployed there, and what before that
 *   ENGINE failed TARGET     digests that were rolled back there, and why. None
 *                            is tried again until another one was deployed or
 *                            a person says so.
 *   ENGINE container NAME    what its image's defaults are, should the image
 *                            be deleted; the image before it, for a way back;
 *                            and those before that, for the cleanup
 *
 * Writing fails only with the disk; then less is remembered, which is logged.
 */
#ifndef DEPLOYER_DOCKER_MEMORY_H
#define DEPLOYER_DOCKER_MEMORY_H

#include "deployer/docker/docker_note.h"

/* Why that digest is not to be tried again; NULL: it may be. The caller frees
 * it. */
char *docker_memory_failed(struct journal *journal, const char *engine,
	const char *target, const char *digest);
/* What the note's job came to: DEPLOYED is what runs at the target from here,
 * and forgets its failures; ROLLED_BACK adds one. */
void docker_memory_result(const struct docker_note *note,
	const struct driver_result *result);

/* What a target ran before its last deploy; texts are owned, NULL: unknown. */
struct docker_memory_image {
	char *reference; /* as the container had it: a tag, a digest, an id */
	char *digest;    /* NULL also where it came from no registry */
};

void docker_memory_previous(struct journal *journal, const char *engine,
	const char *target, struct docker_memory_image *out);
void docker_memory_image_release(struct docker_memory_image *i);

/* What is known about a container, or NULL; the caller frees it. */
struct json *docker_memory_container(struct journal *journal,
	const char *engine, const char *name);
/* NULL and a failed write are only logged. */
void docker_memory_set_container(struct journal *journal, const char *engine,
	const char *name, const struct json *memory);
/*
 * Pure: what will be known once the container runs the new image, from what is
 * known now (or NULL), the old container and both images, all inspected. from:
 * the old image's digest, "" when none.
 */
struct json *docker_memory_next(const struct json *now,
	const struct json *old, const struct json *old_image,
	const struct json *new_image, const char *from);

#endif
