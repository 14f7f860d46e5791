#include "ingress/marks.h"

#include <pthread.h>

#include "proto/base/mem.h"
#include "proto/io/loop_drop.h"

#define BATCH_MAX 1000 /* events in one write */

struct marks {
	struct loop *loop;
	struct spool *spool;
	void (*marked)(void *ctx, size_t n);
	void *ctx;
	VEC(struct spool_mark) waiting;
	size_t writing; /* the first so many of them are under way */

	pthread_mutex_t lock; /* guards these: */
	bool ok; /* how the last write ended */
	bool closed;
	bool posted; /* settle is on its way to the loop */
	bool over;   /* and is the last to know of this */
};

struct marks *marks_new(struct loop *l, struct spool *s,
	void (*marked)(void *ctx, size_t n), void *ctx)
{
	struct marks *m = xcalloc(1, sizeof(*m));

	m->loop = l;
	m->spool = s;
	m->marked = marked;
	m->ctx = ctx;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

void marks_close(struct marks *m)
{
	pthread_mutex_lock(&m->lock);
	m->closed = true;
	pthread_mutex_unlock(&m->lock);
}

static void release(struct marks *m)
{
	VEC_RELEASE(&m->waiting);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void marks_free(struct marks *m)
{
	bool posted;

	if (!m)
		return;
	pthread_mutex_lock(&m->lock);
	posted = m->posted;
	m->over = true;
	pthread_mutex_unlock(&m->lock);
	if (!posted)
		release(m);
}

/* What was posted has come, or never will. */
static void drop(void *ctx)
{
	struct marks *m = ctx;
	bool over;

	pthread_mutex_lock(&m->lock);
	m->posted = false;
	over = m->over;
	pthread_mutex_unlock(&m->lock);
	if (over)
		release(m);
}

static void settle(void *ctx)
{
	struct marks *m = ctx;
	size_t n = m->writing;
	bool ok, closed;

	pthread_mutex_lock(&m->lock);
	ok = m->ok;
	closed = m->closed;
	pthread_mutex_unlock(&m->lock);
	drop(m);
	if (closed)
		return;
	m->writing = 0;
	if (!ok)
		return;
	m->waiting.n -= n;
	memmove(m->waiting.v, m->waiting.v + n, m->waiting.n * sizeof(m->waiting.v[0]));
	m->marked(m->ctx, n);
	marks_tick(m);
}

/* On the writer's thread. */
static void written(void *ctx, const struct err *err)
{
	struct marks *m = ctx;
	bool closed;

	pthread_mutex_lock(&m->lock);
	m->ok = err == NULL;
	closed = m->closed;
	m->posted = !closed;
	pthread_mutex_unlock(&m->lock);
	if (!closed)
		loop_drop_post(m->loop, settle, drop, m);
}

void marks_tick(struct marks *m)
{
	size_t n = m->waiting.n < BATCH_MAX ? m->waiting.n : BATCH_MAX;

	if (m->writing || !n)
		return;
	if (!spool_mark(m->spool, m->waiting.v, n, written, m))
		m->writing = n;
}

void marks_add(struct marks *m, int64_t seq, const char *parked)
{
	struct spool_mark mark = {seq, parked};

	VEC_PUSH(&m->waiting, mark);
	marks_tick(m);
}

size_t marks_len(const struct marks *m)
{
	return m->waiting.n;
}
