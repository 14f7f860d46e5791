#include "logger/store.h"

#include <errno.h>

#include "logger/readers.h"
#include "logger/row_sum.h"
#include "proto/base/clock.h"
#include "proto/base/metrics.h"

#define LONG_US 1000
#define MANY_ROWS 1000 /* a second */
#define PAUSE_TIMES 3  /* as long as the query */
#define PAUSE_MAX_MS 100

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
	if (s == NULL)
		return NULL;
	if (sem_init(&s->readers, 0, STORE_READERS) < 0)
		BUG("sem_init: %s", strerror(errno));
	s->damage = damage_new();
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

void store_ending(struct store *s)
{
	if (s != NULL && s->driver->ending != NULL)
		s->driver->ending(s);
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	sem_destroy(&s->readers);
	damage_free(s->damage);
	s->driver->close(s);
}

int store_put(struct store *s, struct store_put *put)
{
	atomic_fetch_add(&s->puts, 1);
	return s->driver->put(s, put);
}

int store_prune(struct store *s, struct store_prune *prune)
{
	return s->driver->prune(s, prune);
}

struct span {
	int64_t began; /* us */
	long long puts;
};

static struct span reading_begins(struct store *s)
{
	readers_give_way();
	while (sem_wait(&s->readers) < 0)
		if (errno != EINTR)
			BUG("sem_wait: %s", strerror(errno));
	return (struct span){clock_us(), atomic_load(&s->puts)};
}

/* A server of a database knows nothing of our threads' priority: after a long
 * query, while many rows come, its place stays empty for a while. */
static void reading_ends(struct store *s, const struct span *span)
{
	int64_t took = clock_us() - span->began;
	long long came = atomic_load(&s->puts) - span->puts;

	metric_time(METRIC_QUERY, NULL, took);
	if (took > LONG_US && came * 1000000 / took > MANY_ROWS)
		clock_sleep(took * PAUSE_TIMES < PAUSE_MAX_MS * 1000
				? took * PAUSE_TIMES / 1000 : PAUSE_MAX_MS);
	sem_post(&s->readers);
}

/* ---- reading -------------------------------------------------------------------- */

struct reading {
	struct store *store;
	store_row_fn *row;
	void *ctx;
	bool by_time;
	struct query_cursor sound; /* the last row that is; seq 0: none yet */
};

/* The time of a damaged row is no place to go on from, if there is another. */
static int check_row(void *ctx, const struct record *r,
	const struct query_cursor *at, int64_t sum)
{
	struct reading *reading = ctx;
	struct record shown;
	int rc;

	if (row_sum_fits(r, sum)) {
		reading->sound = *at;
		return reading->row(reading->ctx, r, at);
	}
	damage_found(reading->store->damage, at->seq, r);
	row_damaged(r, &shown);
	rc = reading->row(reading->ctx, &shown,
		reading->by_time && reading->sound.seq != 0 ? &reading->sound
							    : at);
	field_release(&record_table, &shown);
	return rc;
}

int store_query(struct store *s, const struct query *q, store_row_fn *row,
	void *ctx, struct err *err)
{
	struct reading reading = {.store = s, .row = row, .ctx = ctx,
		.by_time = q->order == QUERY_NEWEST_FIRST ||
			q->order == QUERY_FROM_OLDEST};
	struct span span = reading_begins(s);
	int rc = s->driver->query(s, q, check_row, &reading, err);

	reading_ends(s, &span);
	return rc;
}

int store_get(struct store *s, const char *id, store_row_fn *row, void *ctx,
	struct err *err)
{
	struct reading reading = {.store = s, .row = row, .ctx = ctx};

	return s->driver->get(s, id, check_row, &reading, err);
}

int store_last(struct store *s, int64_t *seq, struct err *err)
{
	return s->driver->last(s, seq, err);
}

struct counting {
	store_count_fn *fn;
	void *ctx;
};

/* No row was ever stored without a status. */
static void check_count(void *ctx, const char *trigger, const char *status,
	int64_t n)
{
	const struct counting *c = ctx;

	c->fn(c->ctx, trigger, status != NULL ? status : ROW_DAMAGED, n);
}

int store_count(struct store *s, int64_t since, int64_t until,
	store_count_fn *fn, void *ctx, struct err *err)
{
	struct counting counting = {fn, ctx};
	struct span span = reading_begins(s);
	int rc = s->driver->count(s, since, until, check_count, &counting, err);

	reading_ends(s, &span);
	return rc;
}

int store_check(struct store *s, struct err *err)
{
	return s->driver->check != NULL ? s->driver->check(s, err) : 0;
}
