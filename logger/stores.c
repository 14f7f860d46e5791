#include "logger/store.h"

static const struct store_driver *const drivers[] = {
	&store_sqlite,
};

struct store *store_open(const char *url, bool readonly, struct err *err)
{
	struct str name = str_cut(
		str_from(url), 0, str_find(str_from(url), ':'));

	for (size_t i = 0; i < ARRAY_LEN(drivers); i++) {
		if (str_is(name, drivers[i]->name) && url[name.n] == ':')
			return drivers[i]->open(url + name.n + 1, readonly,
				err);
	}
	err_fail(err, "`%s` is no store; write sqlite:/PATH/log.db", url);
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
