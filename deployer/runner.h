/*
 * Keeps the queue moving: takes jobs in, starts what may run, ends what a
 * newer push took the place of, and asks again when the next one is due.
 */
#ifndef DEPLOYER_RUNNER_H
#define DEPLOYER_RUNNER_H

#include "deployer/deployer.h"

/* A committed job; runs at once if it may. */
void runner_add(struct deployer *d, const struct queue_spec *spec);
/* RUNNING waits again until due. */
void runner_again(struct deployer *d, struct queue_job *job, int64_t due);
/* HELD waits. */
void runner_release(struct deployer *d, struct queue_job *job);
/* Something changed: start what may run now. */
void runner_kick(struct deployer *d);
/* Every second: ends what could not be ended before. */
void runner_tick(struct deployer *d);
/* The process stops: its next start ends them. */
void runner_forget(struct deployer *d);

#endif
