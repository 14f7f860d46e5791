#include "proto/io/loop_drop.h"

#include <pthread.h>
#include <signal.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/loop_mail.h"

#define SPAWN_RETRY_MS 200

struct spawn {
	struct loop *loop; /* the loop's thread only */
	struct loop_mail *mail;
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
	struct loop_mail *mail = s->mail;

	s->work(s->ctx);
	loop_mail_post(mail, spawn_done, spawn_drop, s);
	loop_mail_release(mail);
	return NULL;
}

static void spawn_start(void *ctx)
{
	struct spawn *s = ctx;
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int rc;

	s->mail = loop_mail_hold(loop_mail_of(s->loop));
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, spawn_main, s);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return;
	loop_mail_release(s->mail);
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
