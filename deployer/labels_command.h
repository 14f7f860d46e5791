/*
 * Triggers from labels, for commands that run beside a deployer or without
 * one: each adds them to a configuration of the files (conf_with_labels()). The
 * caller frees what they return; conf is as before.
 */
#ifndef DEPLOYER_LABELS_COMMAND_H
#define DEPLOYER_LABELS_COMMAND_H

#include "proto/base/strbuf.h"
#include "proto/data/conf.h"

/* Those that the deployer with that state knows, or knew when it ended. NULL:
 * its queue cannot be read. */
struct conf *labels_of_deployer(const struct conf *conf, struct err *err);

/* Those that our engines have now, asked one after the other. told: what each
 * of them says, a line each that has something to tell. */
struct conf *labels_of_engines(const struct conf *conf, struct strbuf *told);

#endif
