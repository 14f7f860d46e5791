#include "logger/readers.h"

#include <pthread.h>
#include <sys/resource.h>

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define READER_NICE 10

struct work {
	struct list node;
	void (*fn)(void *ctx, bool late);
	void *ctx;
	int64_t since; /* mono ms */
};

struct readers {
	pthread_t threads[READERS];
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t more;
	struct list waiting; /* struct work */
	bool stopping;
};

void readers_give_way(void)
{
	static _Thread_local bool lowered;
	int now;

	if (lowered)
		return;
	/* 0 is the calling thread here; where it is not, nothing is lost. The
	 * system caps the sum. */
	now = getpriority(PRIO_PROCESS, 0);
	(void)setpriority(PRIO_PROCESS, 0, now + READER_NICE);
	lowered = true;
}

/* The next one; NULL: it is to end. At the end nobody waits for an answer. */
static struct work *take(struct readers *r, bool *late)
{
	struct list *node;

	pthread_mutex_lock(&r->lock);
	while (list_empty(&r->waiting) && !r->stopping)
		pthread_cond_wait(&r->more, &r->lock);
	node = list_pop_front(&r->waiting);
	*late = r->stopping;
	pthread_mutex_unlock(&r->lock);
	return node != NULL ? CONTAINER_OF(node, struct work, node) : NULL;
}

static void *run(void *arg)
{
	struct readers *r = arg;
	struct work *w;
	bool late;

	while ((w = take(r, &late)) != NULL) {
		w->fn(w->ctx, late || clock_mono() - w->since > READERS_WAIT_MS);
		free(w);
	}
	return NULL;
}

struct readers *readers_start(void)
{
	struct readers *r = xcalloc(1, sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->more, NULL);
	list_init(&r->waiting);
	for (size_t i = 0; i < READERS; i++)
		if (pthread_create(&r->threads[i], NULL, run, r) != 0)
			log_fatal("cannot start a thread");
	return r;
}

void readers_put(struct readers *r, void (*fn)(void *ctx, bool late),
	void *ctx)
{
	struct work *w = xcalloc(1, sizeof(*w));

	readers_give_way();
	w->fn = fn;
	w->ctx = ctx;
	w->since = clock_mono();
	pthread_mutex_lock(&r->lock);
	list_push_back(&r->waiting, &w->node);
	pthread_cond_signal(&r->more);
	pthread_mutex_unlock(&r->lock);
}

void readers_stop(struct readers *r)
{
	if (r == NULL)
		return;
	pthread_mutex_lock(&r->lock);
	r->stopping = true;
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
	for (size_t i = 0; i < READERS; i++)
		pthread_join(r->threads[i], NULL);
	pthread_cond_destroy(&r->more);
	pthread_mutex_destroy(&r->lock);
	free(r);
}
