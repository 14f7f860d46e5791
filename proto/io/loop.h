/*
 * The event loop of a daemon, over libuv. All of it is used from the loop's
 * thread, except loop_post(). Times are ms, measured from the call. Running
 * out of descriptors or memory here ends the process. Only file with uv.h.
 */
#ifndef PROTO_IO_LOOP_H
#define PROTO_IO_LOOP_H

#include "proto/base/err.h"

struct loop;
struct loop_timer;
struct loop_fd;
struct loop_lookup;

/* Also ignores SIGPIPE for the process: a peer that is gone is an error of
 * the write. */
struct loop *loop_new(void);
/* After loop_run() has returned. Never waits: what was posted, spawned or
 * looked up and has not been called by now is not called any more. */
void loop_free(struct loop *l);
void loop_run(struct loop *l);  /* until loop_stop() */
void loop_stop(struct loop *l);

/* First call after first_ms, then every repeat_ms (0: once; the timer is then
 * freed after fn). Cancel sets *t NULL, is harmless on NULL, and may be called
 * in fn. */
struct loop_timer *loop_timer_start(struct loop *l, int64_t first_ms,
	int64_t repeat_ms, void (*fn)(void *ctx), void *ctx);
void loop_timer_cancel(struct loop_timer **t);

/* Readiness of a descriptor that stays the caller's; one watch for each
 * descriptor. Stop before closing it; may be called in fn. An error on the
 * descriptor is told as LOOP_READ | LOOP_WRITE. */
#define LOOP_READ 1
#define LOOP_WRITE 2
struct loop_fd *loop_fd_start(struct loop *l, int fd, int events,
	void (*fn)(void *ctx, int events), void *ctx);
void loop_fd_update(struct loop_fd *f, int events);
void loop_fd_stop(struct loop_fd **f);

/* fn is called on the loop for each of these signals; until loop_free(), from
 * where on they are ignored: who is asked to stop twice ends once, by itself. */
void loop_signal(struct loop *l, int signo, void (*fn)(void *ctx), void *ctx);

/* From any thread: fn runs on the loop, in the order of the posts. */
void loop_post(struct loop *l, void (*fn)(void *ctx), void *ctx);

/* Runs work on a thread of its own, with all signals blocked, then done on the
 * loop. For plain sequential code that may block for minutes; the caller
 * bounds how many. When no thread is to be had it starts a little later. */
void loop_spawn(struct loop *l, void (*work)(void *ctx),
	void (*done)(void *ctx), void *ctx);

/* All addresses of a host name, as numeric texts, sorted, each once; on the
 * loop, never from within the call. A numeric host is its own address. The
 * texts are borrowed for the call. n is 0 and err set when it does not
 * resolve. The handle is gone after fn; cancel sets *h NULL, is harmless on
 * NULL, and leaves the look-up to end by itself. */
struct loop_lookup *loop_resolve(struct loop *l, const char *host,
	void (*fn)(void *ctx, char *const *addresses, size_t n,
		const struct err *err),
	void *ctx);
void loop_resolve_cancel(struct loop_lookup **h);

#endif
