/*
 * An engine's lane. It opens when the engine answers and its driver has
 * settled what an earlier process or an outage left half done; it closes when
 * the engine stops answering, and is asked for again after 1 s, 2 s ... 30 s.
 * While it is closed its jobs wait, each with one row that says why, and the
 * condition `engine NAME` is not ready.
 */
#ifndef DEPLOYER_ENGINE_H
#define DEPLOYER_ENGINE_H

#include "deployer/deployer.h"
#include "deployer/driver.h"

/* Asks for the engine at once. */
struct engine *engine_new(struct deployer *d, const struct conf_engine *conf,
	const struct driver *driver);
/* No worker may be under way. NULL is fine. */
void engine_free(struct engine *e);

/* The rows `waiting` of the lane's jobs that have none yet, if its engine
 * does not answer. Any lane. */
void engine_tell_waiting(struct deployer *d, const char *lane);

/* A deploy of the lane, which is open, begins and ends, with its row on disk:
 * in between nothing is recovered. */
struct engine *engine_enter(struct deployer *d, const char *lane);
void engine_leave(struct engine *e);
/* A deploy found that the engine does not answer. */
void engine_down(struct engine *e, const char *why);
const struct conf_engine *engine_conf(const struct engine *e);
const struct driver *engine_driver(const struct engine *e);

#endif
