#include "proto/io/loop.h"

#include <pthread.h>
#include <signal.h>
#include <uv.h>

#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/loop_drop.h"

#define SPAWN_RETRY_MS 200

struct post {
	struct list node;
	void (*fn)(void *ctx);
	void (*drop)(void *ctx); /* instead, when the loop is gone; or NULL */
	void *ctx;
};

/*
 * Where other threads leave work for the loop. It is counted, so that a
 * spawned thread may outlive the loop: what it posts then is dropped.
 */
struct mailbox {
	pthread_mutex_t lock;
	unsigned holders;
	bool closed;       /* the loop is gone, and wake with it */
	uv_async_t *wake;
	struct list posts; /* struct post */
};

struct loop {
	uv_loop_t uv;
	uv_async_t wake;
	struct mailbox *mail;
	sigset_t signals; /* that were ever watched */
};

static void check(int rc, const char *what)
{
	if (rc < 0)
		log_fatal("%s: %s", what, uv_strerror(rc));
}

/* ---- posts ------------------------------------------------------------- */

static void mailbox_release(struct mailbox *m)
{
	unsigned left;

	pthread_mutex_lock(&m->lock);
	left = --m->holders;
	pthread_mutex_unlock(&m->lock);
	if (left > 0)
		return;
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static struct mailbox *mailbox_hold(struct mailbox *m)
{
	pthread_mutex_lock(&m->lock);
	m->holders++;
	pthread_mutex_unlock(&m->lock);
	return m;
}

static void post_drop(struct post *p)
{
	if (p->drop)
		p->drop(p->ctx);
	free(p);
}

static void mailbox_post(struct mailbox *m, void (*fn)(void *ctx),
	void (*drop)(void *ctx), void *ctx)
{
	struct post *p = xcalloc(1, sizeof(*p));
	bool was_empty;

	p->fn = fn;
	p->drop = drop;
	p->ctx = ctx;
	pthread_mutex_lock(&m->lock);
	if (m->closed) {
		pthread_mutex_unlock(&m->lock);
		post_drop(p);
		return;
	}
	was_empty = list_empty(&m->posts);
	list_push_back(&m->posts, &p->node);
	/* Under the lock: the handle is valid until closed is set. */
	if (was_empty)
		uv_async_send(m->wake);
	pthread_mutex_unlock(&m->lock);
}

/* Moves what is posted to *out. */
static void mailbox_take_all(struct mailbox *m, struct list *out)
{
	struct list *node;

	list_init(out);
	pthread_mutex_lock(&m->lock);
	while ((node = list_pop_front(&m->posts)))
		list_push_back(out, node);
	pthread_mutex_unlock(&m->lock);
}

static void on_wake(uv_async_t *h)
{
	struct loop *l = h->data;
	struct list batch, *node;

	/* One batch a turn: a post that posts again does not starve the rest. */
	mailbox_take_all(l->mail, &batch);
	while ((node = list_pop_front(&batch))) {
		struct post *p = CONTAINER_OF(node, struct post, node);

		p->fn(p->ctx);
		free(p);
	}
}

void loop_drop_post(struct loop *l, void (*fn)(void *ctx),
	void (*drop)(void *ctx), void *ctx)
{
	mailbox_post(l->mail, fn, drop, ctx);
}

void loop_post(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	mailbox_post(l->mail, fn, NULL, ctx);
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
	l->mail = xcalloc(1, sizeof(*l->mail));
	pthread_mutex_init(&l->mail->lock, NULL);
	l->mail->holders = 1;
	l->mail->wake = &l->wake;
	list_init(&l->mail->posts);
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
	struct list dropped, *node;
	sigset_t before;

	if (!l)
		return;
	pthread_mutex_lock(&l->mail->lock);
	l->mail->closed = true;
	pthread_mutex_unlock(&l->mail->lock);
	mailbox_take_all(l->mail, &dropped);
	while ((node = list_pop_front(&dropped)))
		post_drop(CONTAINER_OF(node, struct post, node));
	mailbox_release(l->mail);

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

/* ---- threads ----------------------------------------------------------- */

struct spawn {
	struct loop *loop; /* the loop's thread only */
	struct mailbox *mail;
	void (*work)(void *ctx);
	void (*done)(void *ctx);
	void (*drop)(void *ctx); /* or NULL */
	void *ctx;
};

static void spawn_drop(void *ctx)
{
	struct spawn *s = ctx;

	if (s->drop)
		s->drop(s->ctx);
	free(s);
}

static void spawn_done(void *ctx)
{
	struct spawn *s = ctx;

	s->done(s->ctx);
	free(s);
}

static void *spawn_main(void *arg)
{
	struct spawn *s = arg;
	struct mailbox *mail = s->mail;

	s->work(s->ctx);
	mailbox_post(mail, spawn_done, spawn_drop, s);
	mailbox_release(mail);
	return NULL;
}

static void spawn_start(void *ctx)
{
	struct spawn *s = ctx;
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int rc;

	s->mail = mailbox_hold(s->loop->mail);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, spawn_main, s);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return;
	mailbox_release(s->mail);
	log_limited(LOG_WARN, "loop_spawn",
		"cannot start a thread, will try again: %s", strerror(rc));
	loop_timer_start(s->loop, SPAWN_RETRY_MS, 0, spawn_start, s);
}

void loop_drop_spawn(struct loop *l, void (*work)(void *ctx),
	void (*done)(void *ctx), void (*drop)(void *ctx), void *ctx)
{
	struct spawn *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->work = work;
	s->done = done;
	s->drop = drop;
	s->ctx = ctx;
	spawn_start(s);
}

void loop_spawn(struct loop *l, void (*work)(void *ctx),
	void (*done)(void *ctx), void *ctx)
{
	loop_drop_spawn(l, work, done, NULL, ctx);
}
