/*
 * Is the new container good? Polled from its start until it is healthy, or has
 * stayed up for the grace time where it has no healthcheck, or has failed.
 * State.Running is never asked: it is true between two crashes.
 */
#ifndef DEPLOYER_DOCKER_GATE_H
#define DEPLOYER_DOCKER_GATE_H

#include "deployer/docker/docker_container.h"

struct docker_gate {
	const char *image;      /* the id it must run; NULL: not checked */
	const struct json *old; /* inspected: its networks and the ports it
				   published must be there; NULL: not checked */
	bool fresh;             /* started just now: one restart is too many */
	int64_t grace_ms;       /* to stay up without a healthcheck */
	int64_t health_ms;      /* to get healthy; 0: from the healthcheck */
};

/* Where the container stood when the gate began, or began anew, because an
 * engine that was away may have restarted it. */
struct docker_gate_base {
	char started_at[64];
	int64_t restarts;
};

enum docker_verdict { DOCKER_WAIT, DOCKER_PASS, DOCKER_BAD };

/*
 * Pure: one look at the inspected container, elapsed_ms after that.
 * reason is filled for DOCKER_BAD: what it did, "exited with code 1".
 */
enum docker_verdict docker_gate_judge(const struct docker_gate *g,
	const struct docker_gate_base *base, const struct json *container,
	int64_t elapsed_ms, char *reason, size_t n);
void docker_gate_base(struct docker_gate_base *base,
	const struct json *container);
/* Pure: how long a container with this Config may take to get healthy. */
int64_t docker_gate_deadline(const struct json *container);

/*
 * Blocks until the verdict. 0: good. -1 with ERR_FAIL: it is not, and the text
 * says why, with its last words where it left some. No verdict: -1 with an
 * unreachable engine, or with the code DOCKER_GATE_NO_VERDICT, where an engine
 * that was restarted meanwhile did not start it again; or where it had ended
 * at the first look, and is not fresh: with its host, it may be.
 */
#define DOCKER_GATE_NO_VERDICT (-3)
int docker_gate_wait(struct docker_api *api, const char *id,
	const struct docker_gate *g, struct err *err);

#endif
