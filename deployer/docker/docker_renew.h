/*
 * The deployer's own container, replaced by the same steps as any other. What
 * cannot be done by who is being stopped is done by a helper: a container of
 * the new image, with the same mounts and no network, that runs the command
 * `finish`: it stops us, swaps the names, starts our successor, and waits until
 * it is good or puts us back. Whoever runs then finds the helper's last words
 * and ends the job by recovery.
 */
#ifndef DEPLOYER_DOCKER_RENEW_H
#define DEPLOYER_DOCKER_RENEW_H

#include "deployer/docker/docker_prepare.h"

/* Is it the container that this process runs in? */
bool docker_renew_is_self(const char *id);

/* The successor is created. Starts the helper and waits to be told to end: -1
 * in any case, also when the helper has given up before. */
int docker_renew_hand_over(struct docker_replace *r, struct err *err);

/*
 * Before a swap is settled of which we are one side. 0: no helper is at work
 * any more; words is the last line that it printed, or "". -1: it is, or the
 * engine does not say: later.
 */
int docker_renew_settle(struct docker_api *api, const struct docker_swap *s,
	char *words, size_t n, struct err *err);

/* argv: finish ENDPOINT DEPLOYMENT GRACE-MS HEALTH-MS; the exit code. */
int docker_renew_finish(const struct conf *conf, int argc, char **argv);

#endif
