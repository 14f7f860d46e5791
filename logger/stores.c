#include "logger/store.h"

#include <errno.h>
#include <sys/resource.h>

#include "proto/base/clock.h"
#include "proto/base/metrics.h"

#define READER_NICE 10

static const struct store_driver *const drivers[] = {
	&store_sqlite,
	&store_postgresql,
};

static bool is_of(const struct store_driver *d, struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(d->names); i++)
		if (d->names[i] != NULL && str_is(name, d->names[i]))
			return true;
	return false;
}

static struct store *prepare(struct store *s)
{
	if (s != NULL && sem_init(&s->readers, 0, STORE_READERS) < 0)
		BUG("sem_init: %s", strerror(errno));
	return s;
}

struct store *store_open(const struct store_config *c, struct err *err)
{
	struct str url = str_from(c->url);
	struct str name = str_cut(url, 0, str_find(url, ':'));

	for (size_t i = 0; i < ARRAY_LEN(drivers) && name.n < url.n; i++)
		if (is_of(drivers[i], name))
			return prepare(drivers[i]->open(c, err));
	/* Not quoted: it may have a password. */
	err_fail(err, "logger.store is no store; write sqlite:/PATH/log.db or "
		      "postgresql://USER@HOST/DATABASE");
	return NULL;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	sem_destroy(&s->readers);
	s->driver->close(s);
}

int store_put(struct store *s, struct store_put *put)
{
	return s->driver->put(s, put);
}

int store_prune(struct store *s, struct store_prune *prune)
{
	return s->driver->prune(s, prune);
}

/* Returns when it began. */
static int64_t reading_begins(struct store *s)
{
	static _Thread_local bool lowered;

	/* 0 is the calling thread here; where it is not, nothing is lost. */
	if (!lowered)
		(void)setpriority(PRIO_PROCESS, 0, READER_NICE);
	lowered = true;
	while (sem_wait(&s->readers) < 0)
		if (errno != EINTR)
			BUG("sem_wait: %s", strerror(errno));
	return clock_us();
}

static void reading_ends(struct store *s, int64_t began)
{
	sem_post(&s->readers);
	metric_time(METRIC_QUERY, NULL, clock_us() - began);
}

int store_query(struct store *s, const struct query *q, store_row_fn *row,
	void *ctx, struct err *err)
{
	int64_t began = reading_begins(s);
	int rc = s->driver->query(s, q, row, ctx, err);

	reading_ends(s, began);
	return rc;
}

int store_get(struct store *s, const char *id, store_row_fn *row, void *ctx,
	struct err *err)
{
	return s->driver->get(s, id, row, ctx, err);
}

int store_last(struct store *s, int64_t *seq, struct err *err)
{
	return s->driver->last(s, seq, err);
}

int store_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err)
{
	int64_t began = reading_begins(s);
	int rc = s->driver->count(s, since, until, fn, ctx, err);

	reading_ends(s, began);
	return rc;
}

int store_check(struct store *s, struct err *err)
{
	return s->driver->check != NULL ? s->driver->check(s, err) : 0;
}
