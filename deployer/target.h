/*
 * What this deployer may do: its lanes, and its own copy of the triggers. A
 * job is done only if that copy says so, whatever the sender claims; and it
 * names no image, container or URL that would be used unchecked.
 */
#ifndef DEPLOYER_TARGET_H
#define DEPLOYER_TARGET_H

#include "proto/data/conf.h"
#include "proto/msg/job.h"

#define TARGET_LANE_HTTP "http"

/* A schedule within retry.h's limits, TLS for an engine at a tcp address that
 * is a lane of ours: faults to errs. */
void target_check_conf(const struct conf *conf, struct opt_errors *errs);

/* This instance's lanes, as the configuration orders them: borrowed texts in
 * *lanes, whose array the caller frees. Returns how many. */
size_t target_lanes(const struct conf *conf, const char ***lanes);
bool target_serves(const struct conf *conf, const char *lane);

/* Is the job well-formed: ids that belong together? 0 or -1. */
int target_check_ids(const struct job *job, struct err *err);
/* The trigger, or NULL with the sentence of the row `refused`: not one of
 * ours, not of this repository, not of our lanes. */
const struct conf_trigger *target_find(const struct conf *conf,
	const struct job *job, struct err *err);

/* The queue's key of what the trigger acts on: same text, same target. One that
 * acts on nothing (dry_run) has a key of its own. */
void target_key(const struct conf_trigger *t, struct strbuf *out);

#endif
