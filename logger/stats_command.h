/*
 * `pullwire-logger stats`: a line for each trigger: its last push and how that
 * ended, how many ended well or badly, and how long it takes from the push to
 * the end.
 */
#ifndef LOGGER_STATS_COMMAND_H
#define LOGGER_STATS_COMMAND_H

#include "proto/data/conf.h"

#define STATS_COMMAND_USAGE "stats [--json] [FILTER…]"

/* Of struct daemon_command: the exit code. */
int stats_command(const struct conf *conf, int argc, char **argv);

#endif
