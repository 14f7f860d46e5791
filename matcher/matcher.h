/*
 * The matcher's state: what main.c assembles, and nothing else.
 */
#ifndef MATCHER_MATCHER_H
#define MATCHER_MATCHER_H

#include "matcher/work.h"

struct matcher {
	struct daemon *daemon;
	struct work *work;
	struct loop_timer *report;
};

#endif
