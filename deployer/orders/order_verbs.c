#include "deployer/orders/order.h"

/*
 *   VERB               ARGUMENTS          WHAT IT DOES
 *   queue              -                  tells what is open: order_queue.c
 *   redeliver          job                does an ended job again: a post with
 *                                         the same webhook-id
 *                      or: trigger, status, since, until
 *                                         each that fits; as the command's
 *                                         options
 *   enable             trigger            forgets that its receiver was gone
 *                                         or failing
 *   approve            job                lets a job go on that waits for a
 *                                         person
 *   hold, release      job                not before it is released
 *   retry              job                now, also what failed before; an
 *                                         ended redeploy begins anew
 *   cancel             job                it waits no more: refused
 *   rollback           trigger            deploys the image of before
 * job is EVENT/TRIGGER.
 */
const struct order_verb order_verbs[] = {
	{"queue", NULL, order_queue, false},
	{"redeliver", "job", order_redeliver, false},
	{"enable", "trigger", order_enable, true},
	{"approve", "job", order_approve, true},
	{"hold", "job", order_hold, true},
	{"release", "job", order_release, true},
	{"retry", "job", order_retry, false},
	{"cancel", "job", order_cancel, true},
	{"rollback", "trigger", order_rollback, false},
};

const size_t order_verbs_n = ARRAY_LEN(order_verbs);
