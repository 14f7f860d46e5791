/*
 * The last lines that a container or a task of a Swarm wrote (Docker Engine
 * API, Container and Task logs; 8-byte frames of stdout and stderr, but for a
 * terminal).
 */
#ifndef DEPLOYER_DOCKER_LOGS_H
#define DEPLOYER_DOCKER_LOGS_H

#include "deployer/docker/docker_api.h"

/* Of raw text; more is cut off. */
#define DOCKER_LOGS_MAX ((size_t)64 << 10)
#define DOCKER_LOGS_CONTAINER "containers"
#define DOCKER_LOGS_TASK "tasks"

/* The last lines of both streams as one text, stream headers taken out. A log
 * driver may be unable to tell: -1. */
int docker_logs_get(struct docker_api *api, const char *kind, const char *id,
	bool tty, int lines, struct strbuf *out, struct err *err);
/* Pure: appends the payload of 8-byte framed streams; stops quietly at a frame
 * that is cut short. */
void docker_logs_unframe(struct str raw, struct strbuf *out);

#endif
