/*
 * A push whose sender proves nothing about it is a hint: before anything is
 * done the registry is asked what the tag is now. Who is asked comes from the
 * configuration, never from the push, or a forger would ask his own. Pure.
 */
#ifndef DEPLOYER_VERIFY_H
#define DEPLOYER_VERIFY_H

#include "proto/data/conf.h"
#include "proto/msg/event.h"

/* source NULL: the configuration has none of the push's source. So it is for a
 * trigger's own URL, which is a secret of its own; any other push is a hint that
 * nothing can confirm, for what is not known may be one. */
bool verify_needed(const struct conf_source *source, const struct event *e);
/*
 * Does the configuration name the push's registry: the source's registry or
 * registry_map, Docker Hub's own source, or the trigger's pattern? 0, or -1
 * with the sentence of the row `refused`; so also without the source.
 */
int verify_known(const struct conf_source *source,
	const struct conf_trigger *trigger, const struct event *e,
	struct err *err);
/* Is it what was pushed? A push without a digest is whatever the tag is. */
bool verify_same(const struct event *e, const char *digest);
/* The sentence of the row `stale`. */
void verify_stale(const struct event *e, const char *digest, char *out,
	size_t n);

#endif
