/*
 * The one state of the daemon. Started in this order, stopped in the opposite
 * one. All of it is the loop's thread's, except where drivers work: they see
 * the configuration that their work began with (never changed), cancel and
 * the journal.
 */
#ifndef DEPLOYER_DEPLOYER_H
#define DEPLOYER_DEPLOYER_H

#include <stdatomic.h>

#include "deployer/queue/queue.h"
#include "deployer/queue/queue_store.h"
#include "deployer/queue/retry.h"
#include "proto/daemon/daemon.h"
#include "proto/daemon/outbox.h"

struct engine;
struct intake;
struct notices;
struct labels;
struct notify;
struct orders;
struct results;

struct deployer {
	struct daemon *daemon;
	struct loop *loop;
	struct conf *conf; /* whose triggers count now: a reference */
	struct retry_schedule schedule; /* of trigger URLs */
	struct queue_store *store;
	struct queue *queue;
	struct outbox *outbox;
	struct results *results;
	struct notify *notify;   /* NULL: no http lane here */
	struct engine **engines; /* of our lanes */
	size_t n_engines;
	struct intake *intake;
	struct notices *notices;
	struct orders *orders;
	struct labels *labels;   /* triggers of containers */
	struct list attempts;    /* struct attempt: under way */
	struct list unended;     /* struct queue_job: superseded, but their job
				  * could not be read; a second later again */
	struct loop_timer *next; /* for the queue's next due job */
	struct loop_timer *tick; /* every second */
	struct loop_timer *drain;
	int64_t pruned;          /* mono ms */
	int64_t ahead;           /* ms of the wall clock to the other one */
	bool unclean;            /* the process before was not asked to stop */
	size_t suspects;         /* jobs that it may have died of */
	size_t workers;          /* threads in a driver */
	atomic_bool cancel;      /* told to end: seen by drivers */
	bool draining;
};

/* For struct daemon_spec; the state is a struct deployer. */
void *deployer_start(struct daemon *daemon, const struct conf *conf,
	struct err *err);
/* Takes changed triggers; what is under way ends by the old ones. */
int deployer_reload(void *state, struct conf *conf, struct err *err);
void deployer_drain(void *state);
void deployer_stop(void *state);

#endif
