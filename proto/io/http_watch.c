#include "proto/io/http_watch.h"

#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "proto/base/clock.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define LOOK_MS 200

struct http_watched {
	struct list node;
	int fd;
	enum http_phase phase;
	int64_t since; /* mono ms */
	bool late;
};

struct http_watch {
	int64_t limits[HTTP_PHASES];
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stopping;
	struct list all;
};

static void look(struct http_watch *w, int64_t now)
{
	LIST_EACH(&w->all, node) {
		struct http_watched *c =
			CONTAINER_OF(node, struct http_watched, node);
		int64_t limit = w->limits[c->phase];

		if (limit == 0 || c->late || now - c->since <= limit)
			continue;
		c->late = true;
		shutdown(c->fd, SHUT_RD);
	}
}

static void *watch(void *arg)
{
	struct http_watch *w = arg;
	struct timespec until;

	pthread_mutex_lock(&w->lock);
	while (!w->stopping) {
		look(w, clock_mono());
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += LOOK_MS * 1000000L;
		if (until.tv_nsec >= 1000000000L) {
			until.tv_nsec -= 1000000000L;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&w->stop, &w->lock, &until);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct http_watch *http_watch_start(const int64_t limits[HTTP_PHASES])
{
	struct http_watch *w = xcalloc(1, sizeof(*w));
	pthread_condattr_t attr;

	memcpy(w->limits, limits, sizeof(w->limits));
	list_init(&w->all);
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->stop, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&w->thread, NULL, watch, w) != 0)
		log_fatal("cannot start a thread");
	return w;
}

void http_watch_stop(struct http_watch *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_signal(&w->stop);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
}

void http_watch_free(struct http_watch *w)
{
	pthread_cond_destroy(&w->stop);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

struct http_watched *http_watch_add(struct http_watch *w, int fd,
	enum http_phase phase)
{
	struct http_watched *c = xcalloc(1, sizeof(*c));

	c->fd = fd;
	c->phase = phase;
	c->since = clock_mono();
	pthread_mutex_lock(&w->lock);
	list_push_back(&w->all, &c->node);
	pthread_mutex_unlock(&w->lock);
	return c;
}

void http_watch_remove(struct http_watch *w, struct http_watched *c)
{
	pthread_mutex_lock(&w->lock);
	list_remove(&c->node);
	pthread_mutex_unlock(&w->lock);
	free(c);
}

/* The head of the first request counts from the connection's begin. */
void http_watch_phase(struct http_watch *w, struct http_watched *c,
	enum http_phase phase)
{
	pthread_mutex_lock(&w->lock);
	if (c->phase != phase)
		c->since = clock_mono();
	c->phase = phase;
	pthread_mutex_unlock(&w->lock);
}

bool http_watch_late(struct http_watch *w, struct http_watched *c)
{
	bool late;

	pthread_mutex_lock(&w->lock);
	late = c->late;
	pthread_mutex_unlock(&w->lock);
	return late;
}
