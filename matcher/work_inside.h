/*
 * The inside of work.h, for work.c and work_report.c.
 */
#ifndef MATCHER_WORK_INSIDE_H
#define MATCHER_WORK_INSIDE_H

#include "matcher/labels.h"
#include "matcher/outage.h"
#include "matcher/rows.h"
#include "matcher/work.h"
#include "proto/base/map.h"

struct work {
	struct loop *loop;
	struct chan *in, *out;
	struct rows *rows;
	struct ruleset *rules;
	struct labels *labels; /* triggers of containers */
	struct loop_timer *tick;
	struct list tasks;
	struct map *by_event; /* event id -> struct task */
	struct outages lanes;
	struct work_limits limits;
	bool draining;
	void (*drained)(void *ctx);
	void *ctx;
};

#endif
