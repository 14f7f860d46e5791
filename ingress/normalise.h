/*
 * What may be an event. Turns a provider's push into one, in canonical form,
 * or refuses it with the sentence that names the field and the rule. Pure.
 *
 * Sources: OCI distribution spec 1.1 (repository names, tags), OCI image spec
 * (digests). Beyond them:
 * - Repository names are put into lower case: registries take no other, and
 *   Alibaba's notifications carry names as they were typed at the console.
 * - The host is what the source's `registry_map` has for the image's name, else
 *   the source's `registry`, else the body's. A host that is none
 *   is dropped, not refused: distribution passes on whatever Host header its
 *   pusher sent, and refusing it would stop the registry's queue for ever.
 * - Region: the body's, else the source's.
 */
#ifndef INGRESS_NORMALISE_H
#define INGRESS_NORMALISE_H

#include "ingress/provider.h"
#include "proto/data/conf.h"
#include "proto/msg/event.h"

#define NORMALISE_TAG_MAX 128
#define NORMALISE_REPOSITORY_MAX 255

/* Fills a zeroed *out except id and time. 0 or -1. */
int normalise_event(const struct provider_push *push,
	const struct conf_source *source, struct event *out, struct err *err);

bool normalise_is_tag(struct str s);
bool normalise_is_repository(struct str s); /* lower case only */
bool normalise_is_digest(struct str s);	    /* sha256:<64 lower-case hex> */
bool normalise_is_host(struct str s);	    /* host, host:port, [v6]:port */

/* "gcr.io/shop/web" into "gcr.io" and "shop/web"; as Docker does, the first
 * part is a host when it has a dot, a colon, or is localhost. */
void normalise_split_host(struct str reference, struct str *host,
	struct str *repository);

#endif
