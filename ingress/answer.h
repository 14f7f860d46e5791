/*
 * How ingress answers: JSON, once a request; and the row of the access log
 * that goes with each refusal. Which status is webhook.c's choice.
 */
#ifndef INGRESS_ANSWER_H
#define INGRESS_ANSWER_H

#include "ingress/reject.h"
#include "proto/daemon/outbox.h"
#include "proto/data/conf.h"
#include "proto/data/json.h"
#include "proto/io/http_server.h"

struct refusals {
	struct reject *reject;
	struct outbox *outbox; /* borrowed */
};

/* Whose request is answered. All borrowed. */
struct caller {
	struct refusals *refusals;
	struct http_request *req;
	const struct conf_source *source; /* that the path names, or NULL */
	const char *peer, *path;
};

void refusals_init(struct refusals *r, struct outbox *outbox);
void refusals_destroy(struct refusals *r);
/* Rows of what was counted; every second. now: mono ms. */
void refusals_tick(struct refusals *r, int64_t now);

/* Takes over body. header is a whole line, or NULL. Afterwards the request is
 * gone. */
void answer_json(struct http_request *req, int status, struct json *body,
	const char *header);
/* {"error": sentence}, and a row with it (see reject.h). The sentence of a 401
 * is in the row only: the answer is the same for each of its reasons. */
void answer_refusal(const struct caller *c, int status, const char *header,
	const char *fmt, ...) PRINTF_LIKE(4, 5);
/* OPTIONS to a source, by who was authenticated like for a webhook, so that
 * nobody learns which sources there are: yes, this origin may post here
 * (CloudEvents' HTTP web hooks, section 4), or 405 for other types. */
void answer_options(const struct caller *c);

/* As that, with Retry-After. */
void answer_later(const struct caller *c, int status, int seconds,
	const char *reason);

#endif
