/*
 * The logger's HTTP answers. The routes, with the role that each needs, are
 * one table in api.c; docs/openapi.yaml describes them. Handlers are in
 * api_*.c; those and api.c are the only files here that choose HTTP statuses.
 * Runs on the server's threads, and what reads the store on readers.h's.
 */
#ifndef LOGGER_API_H
#define LOGGER_API_H

#include <pthread.h>

#include "logger/auth.h"
#include "logger/intake.h"
#include "logger/outcomes.h"
#include "logger/processes.h"
#include "logger/readers.h"
#include "logger/store.h"
#include "logger/stream.h"
#include "proto/io/http_server.h"

struct api {
	struct store *store;
	struct readers *readers;
	struct processes *processes;
	struct auth *auth;
	struct stream *stream;
	struct outcomes *outcomes;
	struct loop *loop;     /* for orders, which intake sends */
	struct intake *intake;
	bool secure;           /* TLS: so are cookies */
	int metrics, health;   /* enum conf_shown */
	pthread_mutex_t lock;  /* of conf */
	struct conf *conf;     /* whose triggers are shown; a reference */
};

/* For struct http_server_config; ctx is a struct api. */
void api_handle(void *ctx, struct http_request *req);
/* Shows these triggers from now on. Any thread. */
void api_set_conf(struct api *a, struct conf *conf);

#endif
