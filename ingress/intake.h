/*
 * A body of a sender who is known, on its way: read, committed, answered,
 * handed over. The request waits for its commit for as long as its sender
 * waits for an answer, and a little less; then it is answered 503, and what is
 * committed later is handed over all the same.
 */
#ifndef INGRESS_INTAKE_H
#define INGRESS_INTAKE_H

#include "ingress/answer.h"
#include "ingress/dispatch.h"
#include "ingress/request.h"

struct intake;

struct intake_config {
	struct loop *loop;
	struct spool *spool;
	struct dispatch *dispatch;
	struct outbox *outbox;
	struct refusals *refusals; /* all outlive it */
};

struct intake *intake_new(const struct intake_config *c);
/* After the HTTP server and the spool have stopped. NULL is fine. */
void intake_free(struct intake *k);
/* Answers the request, now or later; it is not the caller's any more. as: how
 * the body is read; trigger: the only one that it is for, or NULL. Any thread.
 */
void intake_take(struct intake *k, const struct caller *c,
	const struct request *view, const struct conf_source *as,
	const char *trigger);
/* Bodies given to the spool whose commit has not ended. */
size_t intake_under_way(struct intake *k);

#endif
