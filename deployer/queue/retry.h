/*
 * Try again when? Pure: the time and the random number are passed in.
 *
 * A schedule is the wait before each attempt, so its length is the number of
 * attempts (Standard Webhooks 1.0, "Deliverability and reliability"). A wait
 * is spread by 20 % to either side. What the receiver asks for with
 * Retry-After (RFC 9110, 10.2.3) is honoured between the step and twice the
 * step; after a timeout, 429, 502 or 504 it is left alone for a minute.
 */
#ifndef DEPLOYER_RETRY_H
#define DEPLOYER_RETRY_H

#include "proto/base/err.h"
#include "proto/base/str.h"

#define RETRY_STEPS_MAX 32
#define RETRY_STEP_MAX_MS ((int64_t)30 * 24 * 3600 * 1000)

struct retry_schedule {
	int64_t steps[RETRY_STEPS_MAX]; /* ms */
	size_t n;
};

/* Of trigger URLs, when the configuration gives none. */
extern const struct retry_schedule retry_http;
/* Of redeploys whose pull failed for a reason that may pass. */
extern const struct retry_schedule retry_deploy;

/* Durations as in the configuration, at least one. 0 or -1. */
int retry_parse(struct retry_schedule *s, char *const *steps, size_t n,
	struct err *err);

struct retry_failure {
	int64_t attempt;     /* the one that failed, from 1 */
	int64_t now;         /* UTC ms */
	int64_t retry_after; /* ms asked for; -1: nothing was */
	bool slow;           /* timeout, 429, 502, 504 */
	uint32_t random;
};

/* UTC ms of the next attempt; -1: that was the last one. */
int64_t retry_next(const struct retry_schedule *s,
	const struct retry_failure *f);

/* So long a job may wait while its receiver is suspended: as long as the
 * schedule takes at most, and at least three days. ms */
int64_t retry_patience(const struct retry_schedule *s);

/* The header's value (seconds, or an HTTP date in any of its three forms)
 * as ms from now, at least 0; -1 when it is neither. */
int64_t retry_after(struct str value, int64_t now);

/* An HTTP date in any of its three forms; a year of two digits is the one
 * nearest to now's. 0 or -1. */
int retry_http_date(const char *text, int64_t now, int64_t *utc_ms);

/* How long to leave an engine that did not answer tries times: 1 s, 2 s,
 * 4 s ... 30 s. */
int64_t retry_engine(unsigned tries);

#endif
