#include "ingress/limit.h"

#include <pthread.h>

#include "proto/base/mem.h"

/* A request costs 1,000: milliseconds times requests a second. */
#define COST 1000

struct bucket {
	int64_t rate, room; /* a second; of the full bucket, in COST */
	int64_t left, at;   /* at: mono ms of left; 0: full */
};

struct limit {
	const struct conf *conf;
	pthread_mutex_t lock;
	struct bucket shared;
	struct bucket of[]; /* one a source */
};

static void bucket_init(struct bucket *b, int64_t rate, int64_t burst)
{
	*b = (struct bucket){.rate = rate, .room = burst * COST};
}

struct limit *limit_new(const struct conf *conf)
{
	struct limit *l = xcalloc(1, sizeof(*l) +
		conf->sources.n * sizeof(l->of[0]));
	size_t i = 0;

	l->conf = conf;
	pthread_mutex_init(&l->lock, NULL);
	bucket_init(&l->shared, LIMIT_RATE, LIMIT_BURST);
	CONF_EACH(conf->sources, const struct conf_source, s)
		bucket_init(&l->of[i++], s->rate, s->burst);
	return l;
}

void limit_free(struct limit *l)
{
	if (!l)
		return;
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static int take(struct bucket *b, int64_t now)
{
	int64_t passed = b->at ? now - b->at : INT64_MAX;

	if (passed > b->room / b->rate)
		b->left = b->room;
	else if (passed > 0)
		b->left += passed * b->rate;
	if (b->left > b->room)
		b->left = b->room;
	b->at = now;
	if (b->left >= COST) {
		b->left -= COST;
		return 0;
	}
	return (int)((COST - b->left + b->rate * 1000 - 1) / (b->rate * 1000));
}

static struct bucket *bucket_of(struct limit *l,
	const struct conf_source *source)
{
	const struct conf_source *first = l->conf->sources.v;

	for (size_t i = 0; i < l->conf->sources.n; i++)
		if (source == first + i)
			return &l->of[i];
	return &l->shared;
}

int limit_take(struct limit *l, const struct conf_source *source, int64_t now)
{
	int seconds;

	pthread_mutex_lock(&l->lock);
	seconds = take(bucket_of(l, source), now);
	pthread_mutex_unlock(&l->lock);
	return seconds;
}
