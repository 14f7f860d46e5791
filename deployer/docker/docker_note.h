/*
 * What a deploy writes into the driver's journal, one entry a job, before each
 * step that changes something. The engine's own state wins over it: the note
 * adds what the engine cannot tell (the body of a --rm container, which
 * replicas are done, why a rollback was begun). It may hold the environment
 * of a container, so it is never printed.
 */
#ifndef DEPLOYER_DOCKER_NOTE_H
#define DEPLOYER_DOCKER_NOTE_H

#include "deployer/docker/docker_image.h"
#include "deployer/docker/docker_swap.h"
#include "deployer/driver.h"
#include "proto/base/vec.h"

/* The step that is about to be taken. */
#define DOCKER_STEP_CREATE "create"
#define DOCKER_STEP_STOP "stop"
#define DOCKER_STEP_RENAME "rename"
#define DOCKER_STEP_START "start"
#define DOCKER_STEP_COMMIT "commit"       /* remove the old one */
#define DOCKER_STEP_DONE "done"           /* none left of this container */
#define DOCKER_STEP_UPDATE "update" /* of a Swarm service */
#define DOCKER_STEP_ROLLBACK "rollback"   /* the verdict is in: reason */
#define DOCKER_STEP_UNDO "undo" /* back without a verdict on the image: reason */
#define DOCKER_STEP_RETURNED "rolled_back" /* the old one runs again */

struct docker_note {
	struct journal *journal; /* borrowed */
	const char *job;         /* borrowed */
	const char *engine; /* its name, borrowed; NULL: nothing is remembered */
	bool found; /* there was an entry: an earlier process began the job */
	char *step;   /* the last one saved, or NULL */
	char *reason; /* of a rollback, or NULL */
	char *target;    /* as rows have it, or NULL */
	char *evidence;  /* of a rollback: JSON for the row, or NULL */
	char *reference; /* repository:tag that is deployed, or NULL */
	char *from_reference; /* that the first container ran, or NULL */
	char *from_image; /* that Compose is to replace: its id, or NULL */
	char from[DRIVER_DIGEST_MAX], to[DRIVER_DIGEST_MAX];
	struct json *done; /* array: names of containers that are replaced */
	int64_t total;     /* containers in all; 0: not yet known */
	/* Of a Swarm service, else NULL: its id, its version when the update
	 * was about to be asked for, and the update's mark (swarm_mark.h). */
	char *service;
	int64_t version, mark;
	struct docker_swap now; /* the one being replaced; name NULL: none */
	/* Replaced, with the old one still asleep until all are; and those that
	 * go along with them (role), asleep until their turn comes. */
	VEC(struct docker_swap) batch;
	/* Not kept: neither forward nor back was possible, a sentence. */
	char *stuck;
};

/* The job's entry, or an empty note. 0, or -1 when it cannot be read. */
int docker_note_load(struct docker_note *n, struct journal *journal,
	const char *job, struct err *err);
/* From the text of an entry; -1 when it is not one of ours. */
int docker_note_parse(struct docker_note *n, struct journal *journal,
	const char *job, const char *text, struct err *err);
/* Durable when it returns 0; otherwise the step must not be taken, and
 * err->code is DOCKER_NOTE_FAILED. */
#define DOCKER_NOTE_FAILED (-2)
int docker_note_save(struct docker_note *n, const char *step,
	struct err *err);
/* The container of that name is replaced (done) or as it was before. */
int docker_note_end(struct docker_note *n, const char *name, bool done,
	struct err *err);
/* What is replaced now waits in the batch for the others; not yet written. */
void docker_note_keep(struct docker_note *n);
/* The batch's member of that name, or NULL. */
struct docker_swap *docker_note_kept(const struct docker_note *n,
	const char *name);
/* All of the batch is done: the old ones are gone. */
int docker_note_end_batch(struct docker_note *n, struct err *err);
/* Nothing of the batch and of now is under way any more; not yet written. */
void docker_note_drop_batch(struct docker_note *n);
bool docker_note_is_done(const struct docker_note *n, const char *name);
/* All of its containers are replaced. */
bool docker_note_is_complete(const struct docker_note *n);
/* Is that the last step saved? n NULL: it is at none. */
bool docker_note_is_at(const struct docker_note *n, const char *step);
/* The new image failed and the old container runs again: reason. */
bool docker_note_is_returned(const struct docker_note *n);
/* Nothing of the job is at the engine any more. */
int docker_note_forget(struct docker_note *n, struct err *err);
void docker_note_release(struct docker_note *n);
/* Copies a digest; NULL, and one that does not fit, leaves out as it is. */
void docker_note_digest(char out[DRIVER_DIGEST_MAX], const char *digest);

#endif
