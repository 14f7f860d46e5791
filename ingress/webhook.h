/*
 * From a request to its answer: route, authenticate, parse, normalise, commit,
 * 202. The only file that chooses the statuses of webhooks, and the one that
 * says in a row of the access log why one was refused or needs nothing.
 *
 *   202 {"id","ids"}   committed, one id an event; a repeat has its first id
 *   200 {"ignored"}    understood, nothing to do, with the reasons
 *   400 401 404 405 413 415   refused: the same request will not work later
 *   429                more often than the source may: send it again later
 *   503                not committed, or not known in time: send it again
 *
 * A 503 after the sender's time may still commit; the sender's repeat is then
 * known by its id. The 401 is the same for an unknown source, a disabled one
 * and a wrong secret.
 */
#ifndef INGRESS_WEBHOOK_H
#define INGRESS_WEBHOOK_H

#include "ingress/intake.h"
#include "ingress/ready.h"
#include "ingress/sources.h"
#include "proto/daemon/outbox.h"
#include "proto/io/http_server.h"

struct webhook;

struct webhook_config {
	struct loop *loop;
	struct sources *sources;
	struct spool *spool;
	struct dispatch *dispatch;
	struct outbox *outbox;
	struct ready *ready; /* all outlive it */
};

struct webhook *webhook_new(const struct webhook_config *c);
/* After the HTTP server and the spool have stopped. NULL is fine. */
void webhook_free(struct webhook *w);
/* For http_server_config.handle; ctx is the webhook. Any thread. */
void webhook_handle(void *ctx, struct http_request *req);
/* Rows of counted refusals; every second, on the loop. now: mono ms. */
void webhook_tick(struct webhook *w, int64_t now);
/* Bodies given to the spool whose commit has not ended. */
size_t webhook_under_way(struct webhook *w);

#endif
