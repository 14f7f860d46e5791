/*
 * What requests are judged by: the sources with their secrets and limits, the
 * trusted proxies, the triggers' own URLs. One set of it is in force at a
 * time; a reload replaces it whole, and a request keeps the set that it began
 * with. Any thread.
 */
#ifndef INGRESS_SOURCES_H
#define INGRESS_SOURCES_H

#include "ingress/auth.h"
#include "ingress/limit.h"
#include "ingress/trigger_url.h"

/* One set; immutable but for limit's counts. */
struct sources_set {
	struct conf *conf; /* a reference */
	struct auth *auth;
	struct limit *limit;
	struct trigger_url *trigger_url;
	unsigned refs; /* sources.c's */
};

struct sources;

/* NULL with err when the key of trigger URLs is not to be had. */
struct sources *sources_new(const struct conf *conf, struct err *err);
/* When all sets were put back. NULL is fine. */
void sources_free(struct sources *s);
/* Puts conf in force: 0, or -1 with err and all is as before. */
int sources_replace(struct sources *s, const struct conf *conf,
	struct err *err);

struct sources_set *sources_get(struct sources *s);
void sources_put(struct sources *s, struct sources_set *set);

#endif
