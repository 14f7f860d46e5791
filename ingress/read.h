/*
 * The read command: what a body says, without an ingress: one JSON object a
 * line for each push as it would become an event, and for each part of the
 * body that is understood and needs nothing. Nothing is authenticated, posted
 * or stored. `pullwire-matcher explain --payload` runs it.
 */
#ifndef INGRESS_READ_H
#define INGRESS_READ_H

#include "proto/data/conf.h"

/* argv: read [--config FILE] [--type TYPE] [--source NAME] [--header 'N: V']...
 * BODY; BODY is a file, or - for the standard input. The exit code: 0; 1 the
 * body is refused (on stderr); 2 wrong arguments. */
int read_run(const struct conf *none, int argc, char **argv);

#endif
