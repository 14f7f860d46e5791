/*
 * One event under way: the answers of its triggers, its jobs and rows, and how
 * many of those are not acknowledged yet. Bookkeeping only: work.c owns the
 * links and moves these through them.
 */
#ifndef MATCHER_TASK_H
#define MATCHER_TASK_H

#include "matcher/rule_eval.h"
#include "proto/base/list.h"
#include "proto/daemon/chan.h"

struct task;

/* A job on its way to a deployer. Open until acknowledged or given up. */
struct task_job {
	struct chan_item item;
	struct job job; /* borrows all its texts but the id from the task */
	struct task *task;
	const struct rule *rule;
	bool open;
	char refusal[256]; /* what a deployer last answered instead of an ACK */
};

/* A row that a logger has not acknowledged yet. Outlives its task: task is
 * NULL once the task gave it up. */
struct task_row {
	struct list node; /* in task->rows */
	struct task *task;
};

struct task {
	struct list node; /* work.c's */
	struct chan_from from; /* the newest lease */
	struct event event;
	struct ruleset *rules, *labels; /* references */
	struct rule_results results;
	struct task_job *jobs; /* they do not move */
	size_t n_jobs;
	struct list rows;
	size_t left; /* open jobs, and rows of the list */
	int64_t deadline; /* mono ms: what is open then is given up */
	/* Why the event goes back to ingress, for how long; "" when it is
	 * done as soon as nothing is left. */
	char missed[256];
	int64_t delay; /* ms */
};

/* Applies the rules; keeps a copy of e and references to both sets. No job is
 * open yet. */
struct task *task_new(const struct event *e, struct ruleset *rules,
	struct ruleset *labels, const struct chan_from *from,
	int64_t deadline);
/* No job is in a chan any more; its rows are given up. */
void task_free(struct task *t);

void task_open_job(struct task *t, struct task_job *j);
void task_close_job(struct task *t, struct task_job *j);
void task_add_row(struct task *t, struct task_row *row);
void task_drop_row(struct task_row *row); /* fine when it has no task */
/* The event must come again after delay ms (the longest wins). */
void task_miss(struct task *t, int64_t delay, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

#endif
