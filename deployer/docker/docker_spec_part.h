/*
 * The three parts of a create body, for docker_spec.c, and the small tests
 * that they share. Only the files docker_spec*.c include this.
 */
#ifndef DEPLOYER_DOCKER_SPEC_PART_H
#define DEPLOYER_DOCKER_SPEC_PART_H

#include "deployer/docker/docker_spec.h"

/* The new container's Config; the caller owns it. */
struct json *docker_spec_config(const struct docker_spec_input *in);
/* The new container's HostConfig; the caller owns it. */
struct json *docker_spec_host(const struct docker_spec_input *in);
/* The EndpointsConfig for create, NULL when there is none to send; pushes what
 * is to be connected after it onto the array. */
struct json *docker_spec_net(const struct docker_spec_input *in,
	struct json *connect);

#define DOCKER_SHORT_ID 12 /* hex digits of an id that is cut */

/* Absent, null, "", [] and {} are one: the engine drops them. */
bool docker_spec_empty(const struct json *j);
bool docker_spec_same(const struct json *a, const struct json *b);
/* The old container's HostConfig.NetworkMode; "" when absent. */
struct str docker_spec_mode(const struct docker_spec_input *in);
bool docker_spec_joins(struct str mode); /* container:ID */
/* A sysctl of the first interface, which API 1.48 takes with the endpoint. */
bool docker_spec_sysctl_of_endpoint(const struct docker_spec_input *in,
	const char *key);
/* The name that the engine gives a container without one of its own. */
bool docker_spec_is_short_id(const struct docker_spec_input *in,
	const char *s);

#endif
