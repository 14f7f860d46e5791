/*
 * How far is Swarm with a service's update? From what the engine tells of the
 * service and of its tasks. UpdateStatus alone is not the result: it is absent
 * for a moment after each update and for good where there is no task to
 * replace; "completed" also ends an update whose tasks all fail, if its
 * FailureAction is "continue", or whose new tasks are still to come up, if
 * someone changes the service amid it; and it may stay "updating" for ever,
 * with a task that no node can take, or one that crashes too late for its
 * Monitor. Pure.
 */
#ifndef DEPLOYER_SWARM_WAIT_H
#define DEPLOYER_SWARM_WAIT_H

#include "deployer/swarm/swarm_since.h"
#include "proto/data/json.h"

enum swarm_state {
	SWARM_GOES_ON,
	SWARM_DONE,       /* all of it runs the new image */
	SWARM_STUCK,      /* paused by a failure: nobody goes back */
	SWARM_RETURNS,    /* Swarm goes back by itself */
	SWARM_RETURNED,   /* and has: the old image runs */
	SWARM_LOST,       /* going back was paused by a failure, too */
	SWARM_OVERTAKEN,  /* someone else gave it another image */
};

struct swarm_look {
	const struct json *service; /* inspected */
	const struct json *current; /* its SWARM_TASKS_CURRENT */
	const struct json *now;     /* its SWARM_TASKS_NOW, or NULL: none */
	const char *digest;         /* of the new image */
	int64_t waited_ms;          /* since we began to wait */
	const struct swarm_since *since; /* has seen current */
	/* Where tasks have failed: how long the others must have stayed up. */
	int64_t grace_ms;
};

enum swarm_state swarm_wait_judge(const struct swarm_look *l);
/* The same for a way back that we have asked for, with the digest that it
 * leads away from: GOES_ON, RETURNED or LOST. */
enum swarm_state swarm_wait_judge_back(const struct swarm_look *l);
/* Need l->current and l->now be known for that? */
bool swarm_wait_needs_tasks(const struct json *service);

/* Of its tasks, how many run and how many are wanted (-1: one on each node
 * that fits), for people. */
int64_t swarm_wait_running(const struct json *current);
int64_t swarm_wait_wanted(const struct json *spec);
/* "pause", "continue" or "rollback": what Swarm does of itself. */
const char *swarm_wait_on_failure(const struct json *spec);

/* How long an update by this Spec may take: ten minutes for the nodes' pulls,
 * and for each round of tasks what the Spec lets it take. */
int64_t swarm_wait_deadline(const struct json *spec);

/* The task of that image that tells best why it failed, or NULL. */
const struct json *swarm_wait_culprit(const struct json *all,
	const char *digest);
/* Its words into out: "task web.1 failed: task: non-zero exit (3)". */
void swarm_wait_describe(const struct json *task, const char *service,
	char *out, size_t n);

#endif
