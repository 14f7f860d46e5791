/*
 * The matcher's rows on their way to the loggers. A row that still waits since
 * an earlier try at its event is not sent twice, and no more than ROWS_MAX
 * wait at once: while the loggers are away the events wait in ingress, not
 * here.
 */
#ifndef MATCHER_ROWS_H
#define MATCHER_ROWS_H

#include "matcher/task.h"
#include "proto/daemon/outbox.h"

#define ROWS_MAX 10000

struct rows;

/* A logger that owes an answer for silent_ms is away. settled: a row of the
 * task was acknowledged; more of it may be open. */
struct rows *rows_open(struct loop *l, const struct outbox_config *c,
	int64_t silent_ms,
	void (*settled)(void *ctx, struct task *t), void *ctx, struct err *err);
/* Tasks that wait for rows give them up. NULL is fine. */
void rows_close(struct rows *r);

/* The final row of an answer that is no job; the task waits for it. */
void rows_put(struct rows *r, struct task *t, const struct rule_result *why);
/* A row that says why a job waits. Not waited for: its loss costs nothing,
 * and said again it has the same id. */
void rows_put_waiting(
	struct rows *r, const struct task_job *j, const char *why);
/* The task goes on without its rows; they go on without the task. */
void rows_give_up(struct task *t);
/* How long rows have been waiting without a sign of a logger, ms; 0 while all
 * is well. */
int64_t rows_away(const struct rows *r, int64_t now);
void rows_send_status(struct rows *r, const struct msg_status *s);

#endif
