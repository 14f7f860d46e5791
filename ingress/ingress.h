/*
 * The one state of the daemon: started in this order, stopped in the opposite
 * one. Modules do not include this; each is handed what it needs.
 */
#ifndef INGRESS_INGRESS_H
#define INGRESS_INGRESS_H

#include "ingress/dispatch.h"
#include "ingress/ready.h"
#include "ingress/webhook.h"

struct ingress {
	struct daemon *daemon;
	const struct conf *conf;
	struct spool *spool;
	struct spool_reader *reader;
	struct outbox *outbox;
	struct dispatch *dispatch;
	struct ready *ready;
	struct sources *sources;
	struct webhook *webhook;
	struct http_tls *tls; /* NULL: plain HTTP */
	struct http_server *http;
	struct loop_timer *tick;  /* every second */
	struct loop_timer *drain; /* while stopping */
	int64_t drain_since; /* mono ms */
};

/* For struct daemon_spec; the state is a struct ingress. */
/* For daemon_spec.check: what only ingress can see. */
void ingress_check_conf(const struct conf *conf, struct opt_errors *errs);
void *ingress_start(struct daemon *d, const struct conf *conf,
	struct err *err);
int ingress_reload(void *state, struct conf *conf, struct err *err);
void ingress_drain(void *state);
void ingress_stop(void *state);

#endif
