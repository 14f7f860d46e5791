/*
 * Commands of the user's that run inside a container: before the old one is
 * replaced, and after the new one has taken over; and around the look at a
 * target, whatever comes of it. By exec, without a shell.
 */
#ifndef DEPLOYER_DOCKER_HOOK_H
#define DEPLOYER_DOCKER_HOOK_H

#include "deployer/docker/docker_task.h"

/*
 * In the old container: 0 goes on (also where the container does not run, or
 * has no such command). -1: 75 (EX_TEMPFAIL) is ERR_RETRY, not now; any other
 * code, and none within the time, is ERR_FAIL. At the end of the time only our
 * wait ends.
 */
int docker_hook_before(struct docker_task *t, const struct json *old,
	struct err *err);
/* In the new one; what fails is only told. */
int docker_hook_after(struct docker_task *t, const char *name,
	struct err *err);
/* In each of the listed ones that runs, before or after the look; what fails is
 * appended to told, each with "; " before it. */
void docker_hook_check(struct docker_task *t, const struct json *list,
	bool before, struct strbuf *told);

#endif
