/*
 * What people ask of a running deployer, from two sides: order files, written
 * whole into STATE/orders by the commands below and carried out within a
 * second or at the next start; and ORDERs of a logger's link. Both mean the
 * verbs of order_verbs.c. A line of a file is a verb and its one argument, or
 * its arguments as a JSON object:
 *   approve EVENT/TRIGGER
 *   approve {"job":"EVENT/TRIGGER"}
 * What a file asks is logged when it means nothing any more, and dropped.
 * A file of orders that may be repeated is there until all of them are on disk:
 * a crash repeats it. One with any other is carried out at most once: one that
 * a crash overtakes is to be given again.
 */
#ifndef DEPLOYER_ORDERS_H
#define DEPLOYER_ORDERS_H

#include "deployer/deployer.h"

#define ORDERS_MAX 10000 /* lines of a file */

struct orders;

struct orders *orders_new(struct deployer *d);
/* Drops what is not ended; NULL is fine. */
void orders_free(struct orders *o);
/* Every second: looks for files. */
void orders_tick(struct orders *o);
/* A logger asks; answered by outbox_answer(). */
void orders_asked(struct orders *o, const struct chan_asker *from,
	const struct msg_order *order);

/* One condition of which jobs are done again: `trigger`, `status`, `since` or
 * `until`, the last two an age ("2h") or a time. The value is borrowed. 0 or
 * -1. */
struct queue_read_filter;
int orders_filter(struct queue_read_filter *f, const char *name,
	const char *value, struct err *err);

/* The commands wait for the answer, for five seconds, and print it: 0 it is
 * done, or no deployer has answered; 1 refused; 2 not understood.
 * `redeliver` and `enable`: */
int orders_redeliver(const struct conf *conf, int argc, char **argv);
/* `queue VERB JOB`: argv from VERB on, which is one of these. */
bool orders_is_about_job(const char *verb);
int orders_job(const struct conf *conf, int argc, char **argv);
/* By the trigger's name, or by what it redeploys, as rows have that (`container
 * web`) or without the first word; those of labels, too, that are in conf. NULL:
 * none, and what a person is told then. */
#define ORDERS_NO_TARGET "`%s` is no trigger that redeploys, nor a container, a " \
	"Compose service (PROJECT/SERVICE) or a Swarm service that one is for, " \
	"neither in the configuration nor by labels: see `pullwire-matcher " \
	"check`, and the deployer's log about labels"
const struct conf_trigger *orders_find_target(const struct conf *conf,
	const char *text);
/* `rollback TARGET`: a trigger, or what it redeploys; those of labels as the
 * deployer knows them. */
int orders_rollback(const struct conf *conf, int argc, char **argv);
int orders_enable(const struct conf *conf, int argc, char **argv);

#endif
