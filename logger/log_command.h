/*
 * `pullwire-logger log`: rows from the store, oldest first, as the daemon
 * prints them; with -f it goes on with what arrives. Reads the store itself,
 * whether the daemon runs or not.
 */
#ifndef LOGGER_LOG_COMMAND_H
#define LOGGER_LOG_COMMAND_H

#include "proto/data/conf.h"

#define LOG_COMMAND_USAGE "log [-f] [-n N] [--since AGE] [FILTER…]"

/* Of struct daemon_command: the exit code. */
int log_command(const struct conf *conf, int argc, char **argv);

#endif
