#include "ingress/sources.h"

#include <pthread.h>

#include "proto/base/mem.h"

struct sources {
	pthread_mutex_t lock;
	struct sources_set *now; /* and the refs of all sets; guarded */
};

static void set_free(struct sources_set *set)
{
	trigger_url_free(set->trigger_url);
	limit_free(set->limit);
	auth_free(set->auth);
	conf_free(set->conf);
	free(set);
}

static struct sources_set *set_new(const struct conf *conf, struct err *err)
{
	struct trigger_url *urls = trigger_url_new(conf, err);
	struct sources_set *set;

	if (!urls)
		return NULL;
	set = xcalloc(1, sizeof(*set));
	set->conf = conf_ref(conf);
	set->auth = auth_new(conf);
	set->limit = limit_new(conf);
	set->trigger_url = urls;
	set->refs = 1;
	return set;
}

struct sources_set *sources_get(struct sources *s)
{
	struct sources_set *set;

	pthread_mutex_lock(&s->lock);
	set = s->now;
	set->refs++;
	pthread_mutex_unlock(&s->lock);
	return set;
}

void sources_put(struct sources *s, struct sources_set *set)
{
	unsigned left;

	pthread_mutex_lock(&s->lock);
	left = --set->refs;
	pthread_mutex_unlock(&s->lock);
	if (left == 0)
		set_free(set);
}

int sources_replace(struct sources *s, const struct conf *conf,
	struct err *err)
{
	struct sources_set *set = set_new(conf, err), *old;

	if (!set)
		return -1;
	pthread_mutex_lock(&s->lock);
	old = s->now;
	s->now = set;
	pthread_mutex_unlock(&s->lock);
	sources_put(s, old);
	return 0;
}

struct sources *sources_new(const struct conf *conf, struct err *err)
{
	struct sources_set *set = set_new(conf, err);
	struct sources *s;

	if (!set)
		return NULL;
	s = xcalloc(1, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->now = set;
	return s;
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	sources_put(s, s->now);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
