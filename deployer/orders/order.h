/*
 * One order: something that a person asks of this deployer, by a file in
 * STATE/orders or over the link of a logger. What may be asked is the table
 * in order_verbs.c; a verb is one function. It checks everything against our
 * own configuration and queue, since whoever asks may be anybody, and ends
 * the order exactly once, at once or later. Loop thread only.
 */
#ifndef DEPLOYER_ORDER_H
#define DEPLOYER_ORDER_H

#include "deployer/deployer.h"
#include "proto/data/json.h"
#include "proto/msg/control.h"

struct order;

struct order_verb {
	const char *name;
	const char *arg; /* the argument that a line's second word is; NULL */
	void (*run)(struct deployer *d, struct order *o);
	bool repeats; /* twice is as good as once */
};

extern const struct order_verb order_verbs[];
extern const size_t order_verbs_n;

/* One of the order's arguments; NULL when it is not there or no text. */
const char *order_arg(const struct order *o, const char *name);
const struct json *order_args(const struct order *o);
/* For whom, printable; for the log. */
const char *order_who(const struct order *o);

/* It is done. The text says what, or NULL; body is taken over, or NULL. The
 * order is gone. */
void order_done(struct order *o, struct json *body, const char *fmt, ...)
	PRINTF_LIKE(3, 4);
/* It is not; code is one of ANSWER_*, the text says why. It is gone. */
void order_refuse(struct order *o, const char *code, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

/* order_redeliver.c */
void order_redeliver(struct deployer *d, struct order *o);
/* order_jobs.c */
void order_enable(struct deployer *d, struct order *o);
/* order_marks.c */
void order_approve(struct deployer *d, struct order *o);
void order_hold(struct deployer *d, struct order *o);
void order_release(struct deployer *d, struct order *o);
void order_retry(struct deployer *d, struct order *o);
void order_cancel(struct deployer *d, struct order *o);
/* order_rollback.c */
void order_rollback(struct deployer *d, struct order *o);
/* order_queue.c */
void order_queue(struct deployer *d, struct order *o);

#endif
