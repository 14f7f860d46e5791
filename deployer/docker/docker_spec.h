/*
 * From the inspected old container to the body that creates its successor.
 * Pure, on raw JSON: Config and HostConfig travel as they came, so members
 * that we do not know survive; only what must change is edited.
 *
 * An inspected Config is the user's options merged with the old image's
 * defaults (moby daemon/commit.go, merge). What goes into the body is the
 * user's part alone, by the exact inverse of that merge, so that the new
 * image's defaults take effect. A value that the user gave and that equals the
 * old default cannot be told apart: the new default wins.
 */
#ifndef DEPLOYER_DOCKER_SPEC_H
#define DEPLOYER_DOCKER_SPEC_H

#include "proto/data/json.h"

/* Oldest and newest API, the minors of 1.x, whose differences are known. */
#define DOCKER_API_FLOOR 41
#define DOCKER_API_CAP 51

struct docker_spec_input {
	const struct json *old;       /* the container, inspected before any step */
	const struct json *old_image; /* the image it was created from, inspected */
	const struct json *new_image; /* inspected */
	const char *reference; /* the new Config.Image, e.g. host:5000/app:v2 */
	int api;               /* the minor that the body will be sent with */
	const char *engine_name; /* /info's Name, or NULL when not asked */
	/* Containers named in HostConfig.VolumesFrom: name as there -> inspected.
	 * One that is missing here is taken for gone. May be NULL. */
	const struct json *sources;
	/* Names of variables that are the user's whatever the image says. */
	char *const *keep_env;
	size_t n_keep_env;
	/* Containers that were replaced just now: old id -> new id. May be NULL. */
	const struct json *successors;
	const struct json *labels; /* added to the new container's, or NULL */
};

struct docker_spec {
	struct json *body; /* for POST /containers/create */
	/* Bodies for POST /networks/NAME/connect before the start; each has its
	 * "Network" as well. Empty when create takes all endpoints. */
	struct json *connect;
};

/* 0, or -1 when the inspected texts are not what an engine answers. */
int docker_spec_build(const struct docker_spec_input *in,
	struct docker_spec *out, struct err *err);
void docker_spec_release(struct docker_spec *s);

/* The digest of the manifest that the engine runs of an inspected image, where
 * its store has manifests; else NULL. Borrowed. */
const char *docker_spec_manifest(const struct json *image);

/* Labels that tell an unfinished deployment; each new container gets its own
 * and none of its predecessor's. */
#define DOCKER_LABEL_DEPLOY "pullwire.deploy"     /* deployment, 8 hex digits */
#define DOCKER_LABEL_REPLACES "pullwire.replaces" /* id of the old container */
#define DOCKER_LABEL_NAME "pullwire.name"         /* name when done */
#define DOCKER_LABEL_ORDER "pullwire.order"       /* stop-first, start-first */
#define DOCKER_LABEL_WAS "pullwire.was"       /* the old's state, docker_swap.h */
#define DOCKER_LABEL_POLICY "pullwire.policy" /* the old's RestartPolicy, JSON */
#define DOCKER_LABEL_MAC "pullwire.mac."      /* and a network: the user's */
#define DOCKER_LABEL_OWNER "pullwire.owner"   /* whose it is, docker_owner.h */
#define DOCKER_LABEL_SIGNAL "pullwire.signal" /* what stops the old one */

#endif
