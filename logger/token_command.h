/* `pullwire-logger token`: a new token for logger.tokens. */
#ifndef LOGGER_TOKEN_COMMAND_H
#define LOGGER_TOKEN_COMMAND_H

#include "proto/data/conf.h"

#define TOKEN_COMMAND_USAGE "token NAME [viewer|operator]"

int token_command(const struct conf *conf, int argc, char **argv);

#endif
