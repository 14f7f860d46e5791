/*
 * Back to the old container, from whatever state the swap is in. The old one
 * was never removed, so nothing is made again: it gets its name and its restart
 * policy back and is started. Only one that its engine removes when it stops
 * (--rm) is created anew, from the body that was saved before. Any step may be
 * repeated.
 */
#ifndef DEPLOYER_DOCKER_ROLLBACK_H
#define DEPLOYER_DOCKER_ROLLBACK_H

#include "deployer/docker/docker_note.h"

/*
 * Tries until it is done or patience_ms have passed, with growing waits.
 * 0: the old container is as it was and the new one is gone, or kept where s
 * says so and the note (which may be NULL) can tell of it. -1: with an
 * unreachable engine, or with the last error.
 */
int docker_rollback_run(struct docker_api *api, const struct docker_swap *s,
	const struct docker_note *note, int64_t patience_ms, struct err *err);
/* What a person types to do it by hand, as it stands now. */
void docker_rollback_manual(struct docker_api *api,
	const struct docker_swap *s, struct strbuf *out);

#endif
