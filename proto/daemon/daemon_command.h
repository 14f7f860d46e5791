/* A program's command line: its options and commands. For daemon.c. */
#ifndef PROTO_DAEMON_DAEMON_COMMAND_H
#define PROTO_DAEMON_DAEMON_COMMAND_H

#include "proto/daemon/daemon.h"

/* Does what is asked and returns the exit code; -1: it is to run as the
 * daemon, of *conf, which is the caller's. */
int daemon_command_line(const struct daemon_spec *spec, int argc, char **argv,
	struct conf **conf);
/* PULLWIRE_INSTANCE, or ROLE@HOST; the caller's. */
char *daemon_command_instance(const char *role);

#endif
