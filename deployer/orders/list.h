/*
 * The `queue` command: what waits, runs or is held, for people.
 */
#ifndef DEPLOYER_LIST_H
#define DEPLOYER_LIST_H

#include "proto/data/conf.h"

/* For struct daemon_command. */
int list_queue(const struct conf *conf, int argc, char **argv);

#endif
