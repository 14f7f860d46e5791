/*
 * Events that nobody is given: damaged ones, and those whose matchers died,
 * one after the other, at once when they had nothing else. Such an event is
 * parked in the spool with a row `failed` that is not final, until a person
 * releases it: then it is decided as if it had just come.
 */
#ifndef INGRESS_PARKED_H
#define INGRESS_PARKED_H

#include "ingress/dispatch.h"
#include "proto/data/conf.h"

#define PARKED_DEATHS 5 /* in a row */

/* Loop thread. They tell; the caller marks. A damaged row of the spool: */
void parked_damaged(const struct dispatch_config *c,
	const struct spool_row *row);
/* A matcher died of the event: why it is to be parked now, or NULL. */
const char *parked_after(const struct dispatch_config *c,
	const struct event *e, unsigned deaths);

/* At the start: the newest 1,000 that are parked are told once more, by rows of
 * the same ids; the first ones may have been lost with the process. */
void parked_tell_again(const struct dispatch_config *c);

/* Releases are files in the spool's folder. Each stays until it is carried
 * out on the disk: what a full queue, a failing disk or a crash kept from
 * that is tried again. At the start: */
void parked_start(const char *dir);
/* Every second: */
void parked_tick(struct loop *l, struct spool *s, struct dispatch *d,
	const char *dir);

/* The commands `parked` and `release`. */
int parked_run(const struct conf *conf, int argc, char **argv);
int parked_release_run(const struct conf *conf, int argc, char **argv);

#endif
