/*
 * What a body says: the strict scan, the provider, normalisation. Gives the
 * events to be committed and the rows of what is understood and needs
 * nothing. Knows neither HTTP's answers nor the spool's file.
 */
#ifndef INGRESS_BODY_H
#define INGRESS_BODY_H

#include "ingress/request.h"
#include "ingress/spool.h"
#include "proto/data/conf.h"
#include "proto/msg/record.h"

struct body {
	struct spool_put put; /* events, with ids, in the body's order */
	VEC(struct record) ignored;
	struct json *answer; /* of a handshake, or NULL */
	int64_t patience_ms; /* so long may the commit take */
};

/* Fills a zeroed *out; now is when the request came, wall ms; trigger is the
 * only one that the events are for, or NULL. -1 with the sentence: nothing of
 * the body is taken. Release either way. */
int body_read(const struct request *req, const struct conf_source *source,
	const char *trigger, int64_t now, struct body *out, struct err *err);
void body_release(struct body *b);

#endif
