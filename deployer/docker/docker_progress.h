/*
 * Pure: the progress stream of a pull, JSON objects in any split: how far it
 * is, the digest it reports, and the error that a 200 may hide.
 */
#ifndef DEPLOYER_DOCKER_PROGRESS_H
#define DEPLOYER_DOCKER_PROGRESS_H

#include "deployer/driver.h"
#include "proto/base/strbuf.h"
#include "proto/base/vec.h"

#define DOCKER_LAYERS_MAX 1000

struct docker_layer {
	char id[16]; /* as short as engines print it */
	int64_t current, total; /* bytes that have come, and that there are */
	bool done, here; /* unpacked; was at the engine before */
};

struct docker_progress {
	struct strbuf line; /* of an object not yet complete */
	size_t objects;
	VEC(struct docker_layer) layers;
	char digest[DRIVER_DIGEST_MAX]; /* "" unless a sha256 */
	char error[320]; /* the first error in the stream */
};

/* 0, or -1 when a line is longer than any engine writes. */
int docker_progress_feed(struct docker_progress *p, struct str data);
/* "3 of 7 layers, 12.3 of 45.0 MiB", of those that are not there already; ""
 * while nothing is known. */
void docker_progress_text(const struct docker_progress *p, char *out, size_t n);
void docker_progress_release(struct docker_progress *p);

#endif
