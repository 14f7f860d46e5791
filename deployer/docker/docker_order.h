/*
 * May the new container run beside the old one for a while? Start-first saves
 * the gap between the two, but two of one service at once are safe only where
 * nothing is theirs alone and nothing is written by both. Pure.
 */
#ifndef DEPLOYER_DOCKER_ORDER_H
#define DEPLOYER_DOCKER_ORDER_H

#include "proto/data/conf.h"
#include "proto/data/json.h"

#define DOCKER_ORDER_STOP_FIRST "stop-first"
#define DOCKER_ORDER_START_FIRST "start-first"

/*
 * old: inspected; was: as docker_swap.h has it; dependents: others stand on
 * it. True; or false and why says what speaks against it: "it publishes port
 * 80 of the host".
 */
bool docker_order_may_start_first(const struct json *old, const char *was,
	bool dependents, const struct conf_deploy *deploy, char *why,
	size_t n);

#endif
