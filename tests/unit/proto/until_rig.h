/* A loop that runs until something holds, for tests of what lives in one. */
#ifndef TESTS_UNIT_PROTO_UNTIL_RIG_H
#define TESTS_UNIT_PROTO_UNTIL_RIG_H

#include "proto/io/loop.h"

struct until {
	struct loop *loop;
	bool (*holds)(void);
	bool gave_up;
};

static inline void until_check(void *ctx)
{
	const struct until *u = ctx;

	if (u->holds())
		loop_stop(u->loop);
}

static inline void until_late(void *ctx)
{
	struct until *u = ctx;

	u->gave_up = true;
	loop_stop(u->loop);
}

/* False when it does not hold within ms. */
static inline bool until(struct loop *loop, bool (*holds)(void), int64_t ms)
{
	struct until u = {loop, holds, false};
	struct loop_timer *often =
		loop_timer_start(loop, 0, 2, until_check, &u);
	struct loop_timer *limit =
		loop_timer_start(loop, ms, 0, until_late, &u);

	loop_run(loop);
	loop_timer_cancel(&often);
	if (!u.gave_up)
		loop_timer_cancel(&limit);
	return !u.gave_up;
}

static inline bool never(void)
{
	return false;
}

#endif
