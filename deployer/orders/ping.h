/*
 * The `test` command: one notification about no push, posted to a trigger's
 * URL from the command's own process, under the same rules. Its tag is
 * pullwire-ping. No row is written.
 */
#ifndef DEPLOYER_PING_H
#define DEPLOYER_PING_H

#include "proto/data/conf.h"

int ping_run(const struct conf *conf, int argc, char **argv);

#endif
