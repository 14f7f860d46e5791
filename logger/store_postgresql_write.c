/*
 * The writer thread: what waits, group by group, then everyone is told; and
 * pruning.
 */
#include "logger/store_postgresql.h"

#include <time.h>

#include "proto/base/clock.h"
#include "proto/base/metrics.h"

#define GROUP_MAX 1024
#define GROUP_BYTES ((size_t)4 << 20)
#define AGAIN_MS 1000 /* between two tries to connect */
#define LOOK_MS 5000  /* without rows: is the server still there? */

/* ---- pruning ---------------------------------------------------------------------- */

static int take_number(void *ctx, const struct pg_row *r)
{
	*(int64_t *)ctx = pg_i64(r, 0);
	return 0;
}

/* Rows that another logger is deleting are left to it. */
static int delete_rows(struct postgresql *p, int64_t before, int64_t max,
	int64_t *n, struct err *err)
{
	char time[24], limit[24];
	const char *const params[] = {time, limit};
	const struct pg_statement s = {
		.sql = "WITH gone AS (DELETE FROM " POSTGRESQL_TABLE
		       " WHERE seq IN (SELECT seq FROM " POSTGRESQL_TABLE
		       " WHERE time < $1::bigint ORDER BY time, seq"
		       " LIMIT $2::bigint FOR UPDATE SKIP LOCKED)"
		       " RETURNING bytes), "
		       "sized AS (UPDATE pullwire_log SET bytes = bytes -"
		       " (SELECT sum(bytes) FROM gone)"
		       " WHERE EXISTS (SELECT FROM gone)) "
		       "SELECT count(*) FROM gone",
		.params = params,
		.n_params = 2,
		.row = take_number,
		.ctx = n,
	};

	snprintf(time, sizeof(time), "%lld", (long long)before);
	snprintf(limit, sizeof(limit), "%lld", (long long)max);
	return pg_transact(p->pg, &s, 1, err);
}

static int prune_now(struct postgresql *p, struct store_prune *prune,
	struct err *err)
{
	int64_t bytes = 0, more = 0;
	const struct pg_statement size = {
		.sql = "SELECT bytes FROM pullwire_log",
		.row = take_number, .ctx = &bytes};

	if (delete_rows(p, prune->before, prune->max, &prune->pruned, err) < 0)
		return -1;
	if (prune->max_bytes == 0 || prune->pruned == prune->max)
		return 0;
	if (pg_query(p->pg, &size, err) < 0)
		return -1;
	if (bytes > prune->max_bytes && delete_rows(p, INT64_MAX,
				prune->max - prune->pruned, &more, err) < 0)
		return -1;
	prune->pruned += more;
	return 0;
}

/* ---- the thread -------------------------------------------------------------------- */

static void set_fault(struct postgresql *p, const struct err *err)
{
	pthread_mutex_lock(&p->lock);
	p->fault = err != NULL ? *err : (struct err){0};
	pthread_mutex_unlock(&p->lock);
}

/* Is there a connection? The last fault stands until the next try. */
static bool connected(struct postgresql *p, int64_t *tried, struct err *err)
{
	int64_t now = clock_mono();

	if (p->pg != NULL)
		return true;
	if (*tried != 0 && now - *tried < AGAIN_MS && p->fault.cls != ERR_NONE) {
		*err = p->fault;
		return false;
	}
	*tried = now;
	p->pg = postgresql_connect(p, true, err);
	set_fault(p, p->pg != NULL ? NULL : err);
	return p->pg != NULL;
}

/* After a statement: a lost connection is closed, and made anew. */
static void after(struct postgresql *p, int rc, const struct err *err)
{
	set_fault(p, rc < 0 ? err : NULL);
	if (rc == 0 || !pg_lost(p->pg))
		return;
	pg_close(p->pg);
	p->pg = NULL;
}

static void run_group(struct postgresql *p, struct store_put *const *puts,
	size_t n, int64_t *tried)
{
	struct err err = {0};
	int64_t start = clock_us();
	int rc = connected(p, tried, &err)
		? postgresql_store_group(p, puts, n, &err) : -1;

	if (p->pg != NULL)
		after(p, rc, &err);
	if (rc == 0)
		metric_time(METRIC_COMMIT, "log", clock_us() - start);
	else
		metric_add(METRIC_COMMIT_FAILED, "log", NULL, 1);
	for (size_t i = 0; i < n; i++)
		puts[i]->done(puts[i], rc < 0 ? &err : NULL);
}

static void run_prune(struct postgresql *p, struct store_prune *prune,
	int64_t *tried)
{
	struct err err = {0};
	int rc = connected(p, tried, &err) ? prune_now(p, prune, &err) : -1;

	if (p->pg != NULL)
		after(p, rc, &err);
	prune->done(prune, rc < 0 ? &err : NULL);
}

static void look(struct postgresql *p, int64_t *tried)
{
	struct err err = {0};
	int rc;

	if (!connected(p, tried, &err))
		return;
	rc = pg_exec(p->pg, "SELECT 1", &err);
	after(p, rc, &err);
}

/* How many of the puts make the next group. */
static size_t group_size(struct store_put *const *puts, size_t n)
{
	size_t bytes = 0, i = 0;

	while (i < n && i < GROUP_MAX && bytes < GROUP_BYTES)
		bytes += postgresql_row_bytes(&puts[i++]->record);
	return i;
}

/* With the lock. */
static void wait_for_work(struct postgresql *p)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end); /* as the condition's */
	end.tv_sec += (p->fault.cls != ERR_NONE ? AGAIN_MS : LOOK_MS) / 1000;
	pthread_cond_timedwait(&p->more, &p->lock, &end);
}

static void run_taken(struct postgresql *p, struct store_put **puts, size_t n,
	struct store_prune **prunes, size_t n_prunes, int64_t *tried)
{
	for (size_t i = 0; i < n;) {
		size_t size = group_size(puts + i, n - i);

		run_group(p, puts + i, size, tried);
		i += size;
	}
	for (size_t i = 0; i < n_prunes; i++)
		run_prune(p, prunes[i], tried);
}

void *postgresql_writer(void *arg)
{
	struct postgresql *p = arg;
	int64_t tried = 0;

	pthread_mutex_lock(&p->lock);
	while (!p->stopping || p->puts.n > 0 || p->prunes.n > 0) {
		VEC(struct store_put *) puts = {0};
		VEC(struct store_prune *) prunes = {0};
		bool idle;

		if (p->puts.n == 0 && p->prunes.n == 0)
			wait_for_work(p);
		puts.v = p->puts.v;
		puts.n = p->puts.n;
		prunes.v = p->prunes.v;
		prunes.n = p->prunes.n;
		memset(&p->puts, 0, sizeof(p->puts));
		memset(&p->prunes, 0, sizeof(p->prunes));
		idle = puts.n == 0 && prunes.n == 0 && !p->stopping;
		pthread_mutex_unlock(&p->lock);
		run_taken(p, puts.v, puts.n, prunes.v, prunes.n, &tried);
		if (idle)
			look(p, &tried);
		VEC_RELEASE(&puts);
		VEC_RELEASE(&prunes);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}
