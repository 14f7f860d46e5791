/*
 * What people ask of a running deployer: text files in STATE/orders, written
 * whole by the commands below and carried out by the daemon within a second,
 * or at its next start. A line is one order:
 *   redeliver EVENT/TRIGGER   posts an ended notification once more, with the
 *                             same webhook-id and a schedule of its own
 *   enable TRIGGER            forgets that its receiver was gone or failing
 *   approve EVENT/TRIGGER     lets a job go on that waits for a person
 * An order that means nothing any more is logged and dropped. Each is carried
 * out at most once: one that a crash overtakes is to be given again.
 */
#ifndef DEPLOYER_ORDERS_H
#define DEPLOYER_ORDERS_H

#include "deployer/deployer.h"

#define ORDERS_MAX 10000 /* lines of a file */

struct orders;

struct orders *orders_new(struct deployer *d);
void orders_free(struct orders *o); /* NULL is fine */
/* Every second: looks for files. */
void orders_tick(struct orders *o);

/* The commands `redeliver` and `enable`. */
int orders_redeliver(const struct conf *conf, int argc, char **argv);
/* `queue approve JOB`: argv from `approve` on. */
int orders_approve(const struct conf *conf, int argc, char **argv);
int orders_enable(const struct conf *conf, int argc, char **argv);

#endif
