/*
 * `pullwire-logger export`: all rows, or those that fit filters, the oldest
 * first, for other programs: a JSON object a line, or CSV (RFC 4180) with a
 * line of names. Either has one line a row. In CSV no cell is a formula: one
 * that a spreadsheet would take for it begins with an apostrophe.
 */
#ifndef LOGGER_EXPORT_COMMAND_H
#define LOGGER_EXPORT_COMMAND_H

#include "proto/data/conf.h"

#define EXPORT_COMMAND_USAGE "export --csv|--json [FILTER…]"

/* Of struct daemon_command: the exit code. */
int export_command(const struct conf *conf, int argc, char **argv);

#endif
