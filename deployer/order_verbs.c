#include "deployer/order.h"

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
 * job is EVENT/TRIGGER.
 */
const struct order_verb order_verbs[] = {
	{"queue", NULL, order_queue},
	{"redeliver", "job", order_redeliver},
	{"enable", "trigger", order_enable},
	{"approve", "job", order_approve},
};

const size_t order_verbs_n = ARRAY_LEN(order_verbs);
