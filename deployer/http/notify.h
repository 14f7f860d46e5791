/*
 * The http lane: posts the notification to a trigger's URL, on the loop. Each
 * attempt has a row with what was sent and what was answered; 2xx ends the
 * job, anything else is tried again on the schedule until it is used up. A
 * receiver that says 410 or only fails for days is left alone (receiver.h).
 * Delivered at least once: a crash between an answer and its row repeats the
 * post with the same webhook-id.
 */
#ifndef DEPLOYER_NOTIFY_H
#define DEPLOYER_NOTIFY_H

#include "deployer/attempt.h"

struct notify;

struct notify *notify_new(struct deployer *d);
/* Cancels what is under way: those attempts are abandoned, and repeated by
 * the next process. NULL is fine. */
void notify_free(struct notify *n);

/* Ends the attempt when the exchange has ended. */
void notify_start(struct notify *n, struct attempt *a);
/* Forgets that the trigger's receiver was gone or failing. */
void notify_enable(struct notify *n, const struct conf_trigger *t);

#endif
