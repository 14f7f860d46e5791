/*
 * CloudEvents 1.0 over HTTP: the envelope (structured, binary, batch), and
 * whose events of which type are. Sources: cloudevents/spec, the JSON event
 * format and the HTTP protocol binding.
 */
#ifndef INGRESS_CLOUDEVENT_H
#define INGRESS_CLOUDEVENT_H

#include "ingress/provider.h"

struct cloudevent {
	const char *where; /* in a batch: "events.2"; else NULL */
	const char *id, *source, *type, *subject; /* each may be NULL but type */
	int64_t time; /* UTC ms, or 0 */
	const struct json *data; /* NULL when there is none, or none in JSON */
};

/* Is the request in one of the three forms? */
bool cloudevent_is(const struct provider_in *in);
/* Reads the envelope and gives each event to the vendor whose type it has;
 * events of no known type are ignored with a reason. 0 or -1. */
int cloudevent_parse(const struct provider_in *in, struct provider_out *out,
	struct err *err);

/* The vendors' parts, in their provider's file. 0 or -1. */
int cloudevent_harbor(const struct cloudevent *ev, struct provider_out *out,
	struct err *err);
int cloudevent_azure(const struct cloudevent *ev, struct provider_out *out,
	struct err *err);
int cloudevent_aliyun(const struct cloudevent *ev, struct provider_out *out,
	struct err *err);
int cloudevent_zot(const struct cloudevent *ev, struct provider_out *out,
	struct err *err);
int cloudevent_plain(const struct cloudevent *ev, struct provider_out *out,
	struct err *err);

#endif
