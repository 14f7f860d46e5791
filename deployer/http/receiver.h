/*
 * What is known of the one at a trigger's URL. Pure; the time is passed in.
 *
 * One that answers 410 Gone wants no more: its trigger is disabled (Standard
 * Webhooks 1.0, "Deliverability and reliability"). One that has only failed
 * for five days is suspended: events queue, and one attempt an hour is the
 * probe that ends it; who has queued for about three days (retry_patience) is
 * given up. Neither is forgotten by a restart.
 */
#ifndef DEPLOYER_RECEIVER_H
#define DEPLOYER_RECEIVER_H

#include "proto/base/base.h"

#define RECEIVER_SUSPEND_MS ((int64_t)120 * 3600 * 1000)
#define RECEIVER_PROBE_MS ((int64_t)3600 * 1000)

/* UTC ms; 0: it is not so. */
struct receiver {
	int64_t failing_since; /* its first failure since its last success */
	int64_t probe_at;      /* suspended, and not asked before */
	int64_t gone_since;    /* answered 410 */
};

enum receiver_gate {
	RECEIVER_OPEN,
	RECEIVER_SUSPENDED, /* wait until probe_at */
	RECEIVER_PROBE,     /* suspended, and this attempt is the probe */
	RECEIVER_GONE,
};

enum receiver_outcome { RECEIVER_TOOK, RECEIVER_FAILED, RECEIVER_SAID_GONE };

enum receiver_gate receiver_gate(const struct receiver *r, int64_t now);
/* True when something changed that has to be kept. */
bool receiver_note(struct receiver *r, enum receiver_outcome outcome,
	int64_t now);

#endif
