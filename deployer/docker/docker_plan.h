/*
 * The `plan` command: what a push of an image would do to a target, by the
 * same code that does it, up to where it would change something.
 */
#ifndef DEPLOYER_DOCKER_PLAN_H
#define DEPLOYER_DOCKER_PLAN_H

#include "proto/data/conf.h"

/* argv: plan TARGET IMAGE; a target that is in no file is looked for among the
 * labels of the engines. The exit code. */
int docker_plan_run(const struct conf *conf, int argc, char **argv);

#endif
