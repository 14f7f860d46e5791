#include "tests/crash/stores.h"

#include "logger/store.h"

#include <pthread.h>

static void store_end(void *store)
{
	store_close(store);
}

static void *store_start(const char *dir, struct err *err)
{
	char *url = xprintf("sqlite:%s/log.db", dir);
	struct store_config c = {.url = url};
	struct store *s = store_open(&c, err);

	free(url);
	return s;
}

struct waiting {
	struct store_put put;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done;
	struct err err;
};

static void stored(struct store_put *put, const struct err *err)
{
	struct waiting *w = CONTAINER_OF(put, struct waiting, put);

	pthread_mutex_lock(&w->lock);
	if (err)
		w->err = *err;
	w->done = true;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

static int put_row(void *store, int i, struct err *err)
{
	struct waiting w = {.put.done = stored, .err = {.cls = ERR_NONE}};
	struct record *r = &w.put.record;

	r->event = xprintf(STORES_ID, (unsigned)i);
	r->id = xprintf("%s/web/1/200", r->event);
	r->trigger = xstrdup("web");
	r->status = xstrdup("200");
	r->final = true;
	r->time = 1700000000000 + i;
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.told, NULL);
	if (store_put(store, &w.put) < 0)
		BUG("the store takes nothing");
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.told, &w.lock);
	pthread_mutex_unlock(&w.lock);
	field_release(&record_table, r);
	*err = w.err;
	return w.err.cls == ERR_NONE ? 0 : -1;
}

struct listing {
	void (*found)(void *ctx, const char *what, const char *id);
	void *ctx;
};

static int row(void *ctx, const struct record *r, const struct query_cursor *at)
{
	struct listing *l = ctx;

	(void)at;
	if (r->final) {
		char *id = xprintf("%s/%s", r->event,
			r->trigger ? r->trigger : "");

		l->found(l->ctx, "final", id);
		free(id);
	}
	return 0;
}

static int list(void *store,
	void (*found)(void *ctx, const char *what, const char *id), void *ctx,
	struct err *err)
{
	struct query q = {.limit = 1000000};
	struct listing l = {found, ctx};

	return store_query(store, &q, row, &l, err);
}

const struct kind kind = {store_start, store_end, put_row, list};
