#include "proto/io/loop_mail.h"

#include <pthread.h>

#include "proto/base/list.h"
#include "proto/base/mem.h"

struct post {
	struct list node;
	void (*fn)(void *ctx);
	void (*drop)(void *ctx); /* instead, when the loop is gone; or NULL */
	void *ctx;
};

struct loop_mail {
	pthread_mutex_t lock;
	unsigned holders;
	bool closed; /* the loop is gone, and wake's context with it */
	void (*wake)(void *ctx);
	void *ctx;
	struct list posts; /* struct post */
};

struct loop_mail *loop_mail_new(void (*wake)(void *ctx), void *ctx)
{
	struct loop_mail *m = xcalloc(1, sizeof(*m));

	pthread_mutex_init(&m->lock, NULL);
	m->holders = 1;
	m->wake = wake;
	m->ctx = ctx;
	list_init(&m->posts);
	return m;
}

struct loop_mail *loop_mail_hold(struct loop_mail *m)
{
	pthread_mutex_lock(&m->lock);
	m->holders++;
	pthread_mutex_unlock(&m->lock);
	return m;
}

void loop_mail_release(struct loop_mail *m)
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

static void post_drop(struct post *p)
{
	if (p->drop)
		p->drop(p->ctx);
	free(p);
}

void loop_mail_post(struct loop_mail *m, void (*fn)(void *ctx),
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
	/* Under the lock: wake's context is there until closed is set. */
	if (was_empty)
		m->wake(m->ctx);
	pthread_mutex_unlock(&m->lock);
}

/* Moves what is posted to *out. */
static void take_all(struct loop_mail *m, struct list *out)
{
	struct list *node;

	list_init(out);
	pthread_mutex_lock(&m->lock);
	while ((node = list_pop_front(&m->posts)))
		list_push_back(out, node);
	pthread_mutex_unlock(&m->lock);
}

void loop_mail_take(struct loop_mail *m)
{
	struct list batch, *node;

	/* One batch a turn: a post that posts again does not starve the rest. */
	take_all(m, &batch);
	while ((node = list_pop_front(&batch))) {
		struct post *p = CONTAINER_OF(node, struct post, node);

		p->fn(p->ctx);
		free(p);
	}
}

void loop_mail_close(struct loop_mail *m)
{
	struct list dropped, *node;

	pthread_mutex_lock(&m->lock);
	m->closed = true;
	pthread_mutex_unlock(&m->lock);
	take_all(m, &dropped);
	while ((node = list_pop_front(&dropped)))
		post_drop(CONTAINER_OF(node, struct post, node));
	loop_mail_release(m);
}
