/*
 * The triggers that a Docker engine's containers have as labels, and waiting
 * for them to change. `pullwire.enable=true` says that a container has one;
 * the labels `pullwire.KEY` are keys of the trigger, whose repository is the
 * image's. What the keys mean is conf_with_labels()'s business.
 */
#ifndef DEPLOYER_DOCKER_LABELS_H
#define DEPLOYER_DOCKER_LABELS_H

#include "deployer/docker_api.h"
#include "proto/data/conf.h"

#define DOCKER_LABEL_ENABLE "pullwire.enable"

/* As struct driver has them. */
int docker_labels(const struct conf_engine *engine, struct strbuf *set,
	struct opt_errors *faults, struct err *err);
int docker_labels_wait(const struct conf_engine *engine, int64_t since,
	struct err *err);

/*
 * Pure: the container's trigger as a member of the set, or NULL: it has none,
 * or (told in faults) none that could be meant. container is as listed or
 * inspected; image is the reference it was made with.
 */
struct json *docker_labels_trigger(const struct json *container,
	const char *image, bool watchtower, struct opt_errors *faults);

#endif
