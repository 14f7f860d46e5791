/*
 * What an earlier attempt left at the engine: finished or undone, never left.
 * The engine's state decides, by the labels of the new container (N), the id
 * it replaces (O), and names:
 *
 *   O gone,  N never started    N gets the name and is started, then the gate
 *   O gone,  N started          N gets the name; done (after a gate where O
 *                               was --rm and could be made again)
 *   O there, N never started    undone: O as it was, N removed
 *   O there, N started          the gate: forward if it passes, else back;
 *                               undone where it had ended before we looked
 *   O there or --rm, N gone     back
 *   NAME.old-1a2b3c4d alone, NAME free    it gets its name back, started
 *
 * Doing it twice changes nothing. Of several containers that are replaced
 * together, those that are done wait for the job's next try; where others
 * depend on the target all go back for it.
 */
#ifndef DEPLOYER_DOCKER_SETTLE_H
#define DEPLOYER_DOCKER_SETTLE_H

#include "deployer/docker/docker_note.h"

struct docker_settle {
	struct docker_api *api;
	int64_t grace_ms, health_ms; /* as docker_gate.h has them */
	int64_t patience_ms;         /* for a rollback */
	int64_t keep_ms;             /* a new one that failed, if so */
	const struct json *kept; /* those of docker_kept.h: they are settled */
	/* NULL: nobody's. It has the verdict before going back begins, with
	 * what a new one that failed left behind. */
	struct docker_note *note;
	bool mend; /* a new one whose old one cannot be started is removed */
	bool keep; /* forward leaves the old container asleep */
};

enum docker_settled {
	DOCKER_SETTLED_NOTHING, /* neither container is there */
	DOCKER_SETTLED_UNDONE,  /* the old one as it was, before the new ran */
	DOCKER_SETTLED_FORWARD, /* the new one */
	DOCKER_SETTLED_BACK,    /* the old one, after the new one failed: *why */
};

/*
 * Settles one swap; s gets what docker_kept_mark() finds. condemned: why an
 * earlier process had begun to go back, or NULL. 0, or -1: the engine is
 * unreachable, or going back failed.
 */
int docker_settle_swap(const struct docker_settle *how,
	struct docker_swap *s, const char *condemned,
	enum docker_settled *out, struct err *why, struct err *err);

/* NULL and 0 when it is gone; -1 when the engine does not say. */
int docker_settle_look(struct docker_api *api, const char *id,
	struct json **out, struct err *err);

/*
 * Settles what a job left, as its note and the listed containers tell it, and
 * writes the outcome into the note: a container that is done, or step
 * DOCKER_STEP_RETURNED with the reason. A rollback that failed leaves its
 * sentence in note->stuck. -1: the engine is unreachable or the journal cannot
 * be written.
 */
int docker_settle_job(const struct docker_settle *how,
	const struct json *list, struct docker_note *note, struct err *err);
/*
 * Settles the listed containers that belong to none of the notes: their jobs
 * have ended. *stuck is the sentence of one that could not be, for the caller
 * to free, or stays as it is. -1 also where one is under way: another deployer,
 * which is alive, has the engine, too. A failed one that it keeps is left alone.
 */
int docker_settle_rest(const struct docker_settle *how,
	const struct json *list, const struct docker_note *notes, size_t n,
	char **stuck, struct err *err);

#endif
