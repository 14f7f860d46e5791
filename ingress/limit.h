/*
 * How often a source may post: a bucket of `burst` requests for each, filled
 * at `rate` a second. Counted are requests whose sender has proved who it is,
 * so that nobody else can use up a source's share. Those by triggers' own URLs
 * share one bucket of the default size. Thread-safe; time is passed in.
 */
#ifndef INGRESS_LIMIT_H
#define INGRESS_LIMIT_H

#include "proto/data/conf.h"

#define LIMIT_RATE 50 /* of what is no configured source; as the defaults */
#define LIMIT_BURST 500

struct limit;

struct limit *limit_new(const struct conf *conf); /* borrowed */
void limit_free(struct limit *l);
/* source: of conf->sources, or any other for the shared bucket. now: mono ms.
 * 0: it may post. Else: in so many seconds it may. */
int limit_take(struct limit *l, const struct conf_source *source, int64_t now);

#endif
