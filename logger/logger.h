/*
 * The one state of the daemon: started in this order, stopped in the opposite
 * one. Modules do not include this; each is handed what it needs.
 */
#ifndef LOGGER_LOGGER_H
#define LOGGER_LOGGER_H

#include "logger/api.h"
#include "logger/intake.h"
#include "logger/retention.h"
#include "proto/daemon/daemon.h"

struct logger {
	struct daemon *daemon;
	struct store *store;
	struct output *output;
	struct processes *processes;
	struct intake *intake;
	struct retention *retention;
	struct api api;
	struct http_tls *tls; /* NULL: plain */
	struct http_server *http;
	struct loop_timer *tick;  /* every second */
	struct loop_timer *drain; /* while stopping */
	int64_t drain_since; /* mono ms */
};

/* For struct daemon_spec; the state is a struct logger. */
void logger_check(const struct conf *conf, struct opt_errors *errs);
void *logger_start(struct daemon *d, const struct conf *conf, struct err *err);
/* Shows changed triggers; all else needs a restart. */
int logger_reload(void *state, struct conf *conf, struct err *err);
void logger_drain(void *state);
void logger_stop(void *state);

/* Does HOST:PORT accept connections of this machine only? */
bool logger_is_loopback(const char *listen);

#endif
