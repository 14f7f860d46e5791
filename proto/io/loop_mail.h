/*
 * Where other threads leave work for a loop, in the order of the posts. It is
 * counted, so that a spawned thread may outlive the loop: what it posts then
 * is dropped. For loop.c and loop_spawn.c.
 */
#ifndef PROTO_IO_LOOP_MAIL_H
#define PROTO_IO_LOOP_MAIL_H

#include "proto/io/loop.h"

struct loop_mail;

/* The loop's, held once. wake is called on any thread and never after
 * loop_mail_close(): loop_mail_take() is due. */
struct loop_mail *loop_mail_new(void (*wake)(void *ctx), void *ctx);
/* Drops what was not taken, and gives up the loop's hold. */
void loop_mail_close(struct loop_mail *m);
/* On the loop: calls what is posted, but for what that posts. */
void loop_mail_take(struct loop_mail *m);

struct loop_mail *loop_mail_of(struct loop *l);
/* For another thread, from the loop's; release on any. */
struct loop_mail *loop_mail_hold(struct loop_mail *m);
void loop_mail_release(struct loop_mail *m);
/* From any thread that holds it: fn on the loop, or, when that is gone, drop
 * instead, at once; drop may be NULL. */
void loop_mail_post(struct loop_mail *m, void (*fn)(void *ctx),
	void (*drop)(void *ctx), void *ctx);

#endif
