/* Posts and threads whose context is freed when the loop is gone before them. */
#ifndef PROTO_IO_LOOP_DROP_H
#define PROTO_IO_LOOP_DROP_H

#include "proto/io/loop.h"

/* As loop_post() and loop_spawn(); in place of fn and done, drop is called
 * once when they will not be: by loop_free(), or on the thread. May be NULL. */
void loop_drop_post(struct loop *l, void (*fn)(void *ctx),
	void (*drop)(void *ctx), void *ctx);
void loop_drop_spawn(struct loop *l, void (*work)(void *ctx),
	void (*done)(void *ctx), void (*drop)(void *ctx), void *ctx);

#endif
