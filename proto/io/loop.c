#include "proto/io/loop.h"

#include <signal.h>
#include <uv.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/loop_drop.h"
#include "proto/io/loop_mail.h"

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	struct loop_mail *mail;
	sigset_t signals; /* that were ever watched */
};

static void check(int rc, const char *what)
{
	if (rc < 0)
		log_fatal("%s: %s", what, uv_strerror(rc));
}

/* ---- posts ------------------------------------------------------------- */

static void wake(void *ctx)
{
	struct loop *l = ctx;

	uv_async_send(&l->wake);
}

static void on_wake(uv_async_t *h)
{
	struct loop *l = h->data;

	loop_mail_take(l->mail);
}

struct loop_mail *loop_mail_of(struct loop *l)
{
	return l->mail;
}

void loop_drop_post(struct loop *l, void (*fn)(void *ctx),
	void (*drop)(void *ctx), void *ctx)
{
	loop_mail_post(l->mail, fn, drop, ctx);
}

void loop_post(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	loop_mail_post(l->mail, fn, NULL, ctx);
}

/* ---- life -------------------------------------------------------------- */

struct loop *loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	signal(SIGPIPE, SIG_IGN);
	check(uv_loop_init(&l->uv), "cannot make an event loop");
	check(uv_async_init(&l->uv, &l->wake, on_wake),
		"cannot make an event loop");
	l->wake.data = l;
	l->mail = loop_mail_new(wake, l);
	sigemptyset(&l->signals);
	return l;
}

void loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

/* Every handle but wake is the first member of an allocated struct. */
static void free_handle(uv_handle_t *h)
{
	free(h);
}

static void close_handle(uv_handle_t *h, void *ctx)
{
	struct loop *l = ctx;

	if (uv_is_closing(h))
		return;
	uv_close(h, h == (uv_handle_t *)&l->wake ? NULL : free_handle);
}

void loop_free(struct loop *l)
{
	sigset_t before;

	if (!l)
		return;
	loop_mail_close(l->mail);
	/* libuv gives them back to what kills: never for a moment. */
	pthread_sigmask(SIG_BLOCK, &l->signals, &before);
	uv_walk(&l->uv, close_handle, l);
	uv_run(&l->uv, UV_RUN_DEFAULT); /* the close callbacks, no more */
	if (uv_loop_close(&l->uv) != 0)
		BUG("a handle is left on the loop");
	for (int signo = 1; signo < SIGRTMIN; signo++)
		if (sigismember(&l->signals, signo) == 1)
			signal(signo, SIG_IGN);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(l);
}

/* ---- timers ------------------------------------------------------------ */

struct loop_timer {
	uv_timer_t h;
	void (*fn)(void *ctx);
	void *ctx;
};

static void on_timer(uv_timer_t *h)
{
	struct loop_timer *t = CONTAINER_OF(h, struct loop_timer, h);
	bool once = uv_timer_get_repeat(h) == 0;

	t->fn(t->ctx);
	/* fn may have cancelled it; the memory lives until free_handle. */
	if (once && !uv_is_closing((uv_handle_t *)h))
		uv_close((uv_handle_t *)h, free_handle);
}

struct loop_timer *loop_timer_start(struct loop *l, int64_t first_ms,
	int64_t repeat_ms, void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->fn = fn;
	t->ctx = ctx;
	uv_update_time(&l->uv);
	check(uv_timer_init(&l->uv, &t->h), "cannot start a timer");
	check(uv_timer_start(&t->h, on_timer,
		      first_ms > 0 ? (uint64_t)first_ms : 0,
		      repeat_ms > 0 ? (uint64_t)repeat_ms : 0),
		"cannot start a timer");
	return t;
}

void loop_timer_cancel(struct loop_timer **t)
{
	if (!*t)
		return;
	uv_close((uv_handle_t *)&(*t)->h, free_handle);
	*t = NULL;
}

/* ---- descriptors ------------------------------------------------------- */

struct loop_fd {
	uv_poll_t h;
	void (*fn)(void *ctx, int events);
	void *ctx;
};

static int to_uv(int events)
{
	return (events & LOOP_READ ? UV_READABLE : 0) |
		(events & LOOP_WRITE ? UV_WRITABLE : 0);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct loop_fd *f = CONTAINER_OF(h, struct loop_fd, h);
	int out = (events & UV_READABLE ? LOOP_READ : 0) |
		(events & UV_WRITABLE ? LOOP_WRITE : 0);

	f->fn(f->ctx, status < 0 ? LOOP_READ | LOOP_WRITE : out);
}

struct loop_fd *loop_fd_start(struct loop *l, int fd, int events,
	void (*fn)(void *ctx, int events), void *ctx)
{
	struct loop_fd *f = xcalloc(1, sizeof(*f));

	f->fn = fn;
	f->ctx = ctx;
	check(uv_poll_init(&l->uv, &f->h, fd), "cannot watch a descriptor");
	loop_fd_update(f, events);
	return f;
}

void loop_fd_update(struct loop_fd *f, int events)
{
	check(uv_poll_start(&f->h, to_uv(events), on_poll),
		"cannot watch a descriptor");
}

void loop_fd_stop(struct loop_fd **f)
{
	if (!*f)
		return;
	uv_poll_stop(&(*f)->h);
	uv_close((uv_handle_t *)&(*f)->h, free_handle);
	*f = NULL;
}

/* ---- signals ----------------------------------------------------------- */

struct loop_signal {
	uv_signal_t h;
	void (*fn)(void *ctx);
	void *ctx;
};

static void on_signal(uv_signal_t *h, int signo UNUSED)
{
	struct loop_signal *s = CONTAINER_OF(h, struct loop_signal, h);

	s->fn(s->ctx);
}

void loop_signal(struct loop *l, int signo, void (*fn)(void *ctx), void *ctx)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	s->fn = fn;
	s->ctx = ctx;
	check(uv_signal_init(&l->uv, &s->h), "cannot watch a signal");
	check(uv_signal_start(&s->h, on_signal, signo),
		"cannot watch a signal");
	sigaddset(&l->signals, signo);
}
