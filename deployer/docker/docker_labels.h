/*
 * The triggers that a Docker engine's containers, and the services of its Swarm
 * (swarm_labels.h), have as labels, and waiting for them to change.
 * `pullwire.enable=true` says that one has a trigger; the labels `pullwire.KEY`
 * are keys of the trigger, whose repository is the image's. What the keys mean
 * is conf_with_labels()'s business.
 */
#ifndef DEPLOYER_DOCKER_LABELS_H
#define DEPLOYER_DOCKER_LABELS_H

#include "deployer/docker/docker_api.h"
#include "proto/data/conf.h"

#define DOCKER_LABEL_ENABLE "pullwire.enable"

/* As struct driver has them. */
int docker_labels(const struct conf_engine *engine, struct strbuf *set,
	struct opt_errors *faults, int64_t *at, struct err *err);
int docker_labels_wait(const struct conf_engine *engine, int64_t since,
	struct err *err);

/*
 * Pure: the container's trigger as a member of the set, or NULL: it has none,
 * or (told in faults) none that could be meant. container is as listed or
 * inspected; image is the reference it was made with.
 */
struct json *docker_labels_trigger(const struct json *container,
	const char *image, bool watchtower, struct opt_errors *faults);

/* Who has labels. */
struct docker_labelled {
	const char *from;   /* "container web": so it is called in faults */
	const char *called; /* the trigger, unless a label says otherwise */
	const char *image;
	const struct json *labels;
};

/* Pure: the same of anyone; deploy, the trigger's, is taken over. */
struct json *docker_labels_read(const struct docker_labelled *l,
	struct json *deploy, bool watchtower, struct opt_errors *faults);

#endif
