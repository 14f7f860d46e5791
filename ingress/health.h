/*
 * GET /healthz: this process answers. GET /readyz: it also accepts and has
 * somebody to hand on to; 503 with the reason when not.
 */
#ifndef INGRESS_HEALTH_H
#define INGRESS_HEALTH_H

#include "ingress/ready.h"
#include "proto/io/http_server.h"

/* whole: /readyz. Afterwards the request is gone. */
void health_answer(struct ready *ready, struct http_request *req, bool whole);

#endif
