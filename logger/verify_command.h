/*
 * `pullwire-logger verify`: reads every row of the access log and tells which
 * are not what was stored. It reads so few rows a second that a logger beside
 * it notices nothing, and those only that were there when it began.
 */
#ifndef LOGGER_VERIFY_COMMAND_H
#define LOGGER_VERIFY_COMMAND_H

#include "proto/data/conf.h"

#define VERIFY_COMMAND_USAGE "verify [--rate ROWS]"

/* Of struct daemon_command. Exit codes beside 2 for a wrong command line: */
enum { VERIFY_SOUND = 0, VERIFY_DAMAGED = 1, VERIFY_UNREAD = 3 };

int verify_command(const struct conf *conf, int argc, char **argv);

#endif
