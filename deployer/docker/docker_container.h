/*
 * The engine's calls about containers and their networks, one function a
 * call; errors as docker_api.h has them. Ids and names go into the path as
 * they are: both come from the engine or from the checked configuration.
 */
#ifndef DEPLOYER_DOCKER_CONTAINER_H
#define DEPLOYER_DOCKER_CONTAINER_H

#include "deployer/docker/docker_api.h"

/* NULL when there is none; err->code is 404 then. The caller frees it. */
struct json *docker_container_inspect(struct docker_api *api, const char *id,
	struct err *err);
/* Its own files beside its image's; NULL with err. */
struct json *docker_container_changes(struct docker_api *api, const char *id,
	struct err *err);
/* What the engine tells of a path in it: {"name","size","mode","mtime"}, mode
 * as Go's os.FileMode; links are not followed. NULL with err; the caller frees
 * it. */
struct json *docker_container_stat(struct docker_api *api, const char *id,
	const char *path, struct err *err);
/* In any state; filters as the API takes them, e.g. {"label":["a=b"]}. */
struct json *docker_container_list(struct docker_api *api,
	const struct json *filters, struct err *err);
/* *id is the caller's to free. platform: "linux/arm64", "" for the engine's. */
int docker_container_create(struct docker_api *api, const char *name,
	const char *platform, const struct json *body, char **id,
	struct err *err);
int docker_container_start(struct docker_api *api, const char *id,
	struct err *err);
/* In the container's own time, by its own signal. */
int docker_container_stop(struct docker_api *api, const char *id,
	struct err *err);
/* Sends the signal, and does not wait. */
int docker_container_kill(struct docker_api *api, const char *id,
	const char *signal, struct err *err);
/* As stop, and started again. */
int docker_container_restart(struct docker_api *api, const char *id,
	struct err *err);
int docker_container_pause(struct docker_api *api, const char *id,
	struct err *err);
int docker_container_unpause(struct docker_api *api, const char *id,
	struct err *err);
int docker_container_rename(struct docker_api *api, const char *id,
	const char *name, struct err *err);
/* volumes: with those that only it can have, which are never named ones. */
int docker_container_remove(struct docker_api *api, const char *id,
	bool volumes, struct err *err);
/* policy: HostConfig.RestartPolicy. */
int docker_container_set_policy(struct docker_api *api, const char *id,
	const struct json *policy, struct err *err);

/* spec: one of docker_spec's connect entries, which names its Network. */
int docker_container_connect(struct docker_api *api, const char *id,
	const struct json *spec, struct err *err);
/* The same one away. */
int docker_container_disconnect(struct docker_api *api, const char *id,
	const struct json *spec, struct err *err);
bool docker_container_network_exists(struct docker_api *api, const char *name,
	struct err *err);

#endif
