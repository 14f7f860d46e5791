#include "logger/store.h"

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

struct store *store_open(const struct store_config *c, struct err *err)
{
	struct str url = str_from(c->url);
	struct str name = str_cut(url, 0, str_find(url, ':'));

	for (size_t i = 0; i < ARRAY_LEN(drivers) && name.n < url.n; i++)
		if (is_of(drivers[i], name))
			return drivers[i]->open(c, err);
	/* Not quoted: it may have a password. */
	err_fail(err, "logger.store is no store; write sqlite:/PATH/log.db or "
		      "postgresql://USER@HOST/DATABASE");
	return NULL;
}

void store_close(struct store *s)
{
	if (s != NULL)
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

int store_query(struct store *s, const struct query *q, store_row_fn *row,
	void *ctx, struct err *err)
{
	return s->driver->query(s, q, row, ctx, err);
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
	return s->driver->count(s, since, until, fn, ctx, err);
}

int store_check(struct store *s, struct err *err)
{
	return s->driver->check != NULL ? s->driver->check(s, err) : 0;
}
