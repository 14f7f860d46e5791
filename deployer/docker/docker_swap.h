/*
 * One container being replaced by another: who is who, the labels and names
 * that tell it to a later process, and the steps that going forward, going
 * back and recovery share. Each step looks first and does only what is still
 * to do, so that any of them may be repeated after a crash.
 */
#ifndef DEPLOYER_DOCKER_SWAP_H
#define DEPLOYER_DOCKER_SWAP_H

#include "deployer/docker/docker_container.h"

/* All texts are owned; NULL where not known. */
struct docker_swap {
	char *did;      /* of the deployment: 8 hex digits */
	char *name;     /* what the survivor is called, without slash */
	char *old_id;
	char *new_id;   /* NULL until it is created */
	char *was;      /* the old one's state: running, paused, exited (and the
			   new one is started), stopped (and it is not) */
	char *policy;   /* the old one's RestartPolicy, JSON */
	char *image;    /* id of the image that the new one must run */
	char *order;    /* stop-first or start-first */
	char *role;     /* "dependent": goes along with the target; or NULL */
	char *owner;    /* whose it is (docker_owner.h); or NULL */
	char *signal;   /* what ends it, the old one and the new one; or NULL */
	char *told;     /* NULL, or "yes": the old one may have been told to
			   end, by a stop that goes on without us */
	char *keep;     /* NULL, or for how many ms the new one, which failed,
			   is kept (docker_kept.h) */
	/* Of an old container that its engine removes when it stops (--rm), what
	 * it takes to make it again: {"body", "connect", "platform"}. */
	struct json *rebirth;
	/* Endpoints whose aliases the new one gets when it is good, as
	 * docker_spec's connect entries; NULL: it has them already. */
	struct json *aliases;
	/* What is to be remembered of the container when the new one has
	 * taken over (docker_memory.h), or NULL. */
	struct json *memory;
};

void docker_swap_release(struct docker_swap *s);
/* For the journal, there and back; -1 when the text is not one of ours. */
struct json *docker_swap_to_json(const struct docker_swap *s);
int docker_swap_from_json(const struct json *j, struct docker_swap *s);
/* The labels of the new container, there and back; -1 when it has none. */
struct json *docker_swap_labels(const struct docker_swap *s);
int docker_swap_from_labels(const struct json *container,
	struct docker_swap *s);

/* The deployment id of a job: the same each time it is tried. */
#define DOCKER_DID_LEN 9 /* with the NUL */
char *docker_swap_did(const char *job, char buf[DOCKER_DID_LEN]);
/* "NAME.old-1a2b3c4d"; kind is old, new or failed. The caller frees it. */
char *docker_swap_alias(const struct docker_swap *s, const char *kind);
/* Is it such a name? Then *base is NAME, borrowed. kind NULL: any kind. */
bool docker_swap_is_alias(struct str name, const char *kind, struct str *base);

/* Of an inspected or listed container, borrowed; name without the slash. */
const char *docker_swap_name(const struct json *container);
const char *docker_swap_status(const struct json *container);
/* Was it ever started? */
bool docker_swap_started(const struct json *container);

/* ---- steps: 0 when it is so in the end ------------------------------------- */
int docker_swap_ensure_name(struct docker_api *api, const char *id,
	const char *name, struct err *err);
int docker_swap_ensure_gone(struct docker_api *api, const char *id,
	bool volumes, struct err *err);
/* The new one has its aliases; or (gap) only where a process that gave them
 * ended between taking the endpoint away and giving it back. */
int docker_swap_give_aliases(struct docker_api *api,
	const struct docker_swap *s, bool gap, struct err *err);
/* The old one is asleep under a temporary name, the new one has the name. */
int docker_swap_take_over(struct docker_api *api, const struct docker_swap *s,
	struct err *err);
/* And the old one goes; it is the point of no return. */
int docker_swap_forward(struct docker_api *api, const struct docker_swap *s,
	struct err *err);

#endif
