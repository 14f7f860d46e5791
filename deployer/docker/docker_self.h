/*
 * What this process itself stands in the way of: its own container, which it
 * must not stop, and the containers that it is replacing just now.
 */
#ifndef DEPLOYER_DOCKER_SELF_H
#define DEPLOYER_DOCKER_SELF_H

#include "proto/base/strbuf.h"

#define DOCKER_ID_LEN 65 /* 64 hex digits and the NUL */

/* The container that this process runs in, or "". Never by host name or
 * image: both are anybody's. */
void docker_self_id(char id[DOCKER_ID_LEN]);
/* Pure: the same from the text of /proc/self/mountinfo (proc(5)). */
void docker_self_id_in(struct str mountinfo, char id[DOCKER_ID_LEN]);

/* Takes a container's name at an engine, so that two targets which are the
 * same container do not meet; false when it is taken. Any thread. */
bool docker_self_claim(const char *endpoint, const char *name);
void docker_self_release(const char *endpoint, const char *name);

#endif
