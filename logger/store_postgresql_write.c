/*
 * The writer thread: one group, one transaction, one round trip, then everyone
 * is told. A group's rows go as one array a column, so that its cost is that
 * of the rows.
 *
 * Loggers take turns by an advisory lock, which each transaction takes before
 * its rows get their seq: so rows become visible in the order of seq, and who
 * follows the log by seq misses none.
 */
#include "logger/store_postgresql.h"

#include <time.h>

#include "logger/row_sum.h"
#include "logger/store_sql.h"
#include "proto/base/clock.h"
#include "proto/base/map.h"
#include "proto/base/metrics.h"

#define GROUP_MAX 1024
#define GROUP_BYTES ((size_t)4 << 20)
#define AGAIN_MS 1000 /* between two tries to connect */
#define LOOK_MS 5000  /* without rows: is the server still there? */
#define MORE_COLUMNS 2 /* behind the record's: checksum, bytes */
#define ROW_BYTES 600 /* what a row costs beside its texts: header, indexes */

#define TURN "SELECT pg_advisory_xact_lock(1886743660, " \
	"'" POSTGRESQL_TABLE "'::regclass::oid::int)"

/* ---- a group as arrays -------------------------------------------------------- */

char *postgresql_insert_text(void)
{
	struct strbuf sql = {0};
	size_t i;

	strbuf_add_cstr(&sql, "WITH added AS (INSERT INTO " POSTGRESQL_TABLE
			      " (");
	store_sql_columns(&sql);
	strbuf_add_cstr(&sql, ", checksum, bytes) SELECT * FROM unnest(");
	for (i = 0; i < record_table.n; i++) {
		enum field_type t = record_table.fields[i].type;

		strbuf_addf(&sql, "$%zu::%s[], ", i + 1,
			t == FIELD_I64 ? "bigint"
			: t == FIELD_BOOL ? "boolean" : "text");
	}
	strbuf_addf(&sql, "$%zu::bigint[], $%zu::integer[]) "
			  "ON CONFLICT DO NOTHING "
			  "RETURNING id, bytes), "
			  "sized AS (UPDATE pullwire_log SET bytes = bytes + "
			  "(SELECT sum(bytes) FROM added) "
			  "WHERE EXISTS (SELECT FROM added)) "
			  "SELECT id FROM added", i + 1, i + 2);
	return strbuf_detach(&sql);
}

static void add_text(const char *text, struct strbuf *out)
{
	if (text == NULL) {
		strbuf_add_cstr(out, "NULL");
		return;
	}
	strbuf_add_char(out, '"');
	for (; *text != '\0'; text++) {
		size_t n = strcspn(text, "\"\\");

		strbuf_add(out, text, n);
		text += n;
		if (*text == '\0')
			break;
		strbuf_add_char(out, '\\');
		strbuf_add_char(out, *text);
	}
	strbuf_add_char(out, '"');
}

static void add_value(const struct field *f, const struct record *r,
	struct strbuf *out)
{
	const char *p = (const char *)r + f->offset;

	switch (f->type) {
	case FIELD_STR:
	case FIELD_JSON:
		add_text(store_sql_text(*(char *const *)p), out);
		break;
	case FIELD_I64:
		strbuf_addf(out, "%lld", (long long)*(const int64_t *)p);
		break;
	case FIELD_BOOL:
		strbuf_add_char(out, *(const bool *)p ? 't' : 'f');
		break;
	default:
		BUG("a record has no field of %s's type", f->name);
	}
}

static size_t row_bytes(const struct record *r)
{
	size_t n = ROW_BYTES;

	for (size_t i = 0; i < record_table.n; i++) {
		const struct field *f = &record_table.fields[i];
		const char *text;

		if (f->type != FIELD_STR && f->type != FIELD_JSON)
			continue;
		text = *(char *const *)((const char *)r + f->offset);
		n += text != NULL ? strlen(text) : 0;
	}
	return n;
}

/* The arrays of the insert; the caller frees each. */
static void make_arrays(struct store_put *const *puts, size_t n, char **arrays)
{
	for (size_t i = 0; i < record_table.n + MORE_COLUMNS; i++) {
		struct strbuf text = {.limit = (size_t)1 << 30};

		for (size_t k = 0; k < n; k++) {
			const struct record *r = &puts[k]->record;

			strbuf_add_char(&text, k ? ',' : '{');
			if (i < record_table.n)
				add_value(&record_table.fields[i], r, &text);
			else if (i == record_table.n)
				strbuf_addf(&text, "%lld",
					(long long)row_sum(r));
			else
				strbuf_addf(&text, "%zu", row_bytes(r));
		}
		strbuf_add_char(&text, '}');
		arrays[i] = strbuf_detach(&text);
	}
}

/* ---- a group --------------------------------------------------------------------- */

static int note_added(void *ctx, const struct pg_row *r)
{
	map_put(ctx, str_from(pg_str(r, 0)), ctx);
	return 0;
}

/* Stores what is not there; added gets the ids of those. */
static int insert(struct postgresql *p, struct store_put *const *puts,
	size_t n, struct map *added, struct err *err)
{
	size_t columns = record_table.n + MORE_COLUMNS;
	char **arrays = xcalloc(columns, sizeof(*arrays));
	const struct pg_statement s[] = {
		{.sql = TURN, .name = "turn"},
		{.sql = p->insert, .name = "insert",
			.params = (const char *const *)arrays,
			.n_params = (int)columns,
			.row = note_added, .ctx = added},
	};
	int rc;

	make_arrays(puts, n, arrays);
	rc = pg_transact(p->pg, s, ARRAY_LEN(s), err);
	for (size_t i = 0; i < columns; i++)
		free(arrays[i]);
	free(arrays);
	return rc;
}

/* The final rows that were not stored: either they are there already, or
 * another one is. As rows that are not final, only the first keeps them out. */
static int insert_extra(struct postgresql *p, struct store_put *const *puts,
	size_t n, struct err *err)
{
	struct map *added = map_new();
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		store_sql_take_final_back(&puts[i]->record);
	if (n > 0)
		rc = insert(p, puts, n, added, err);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (map_del(added, str_from(puts[i]->record.id)) != NULL)
			puts[i]->outcome = STORE_EXTRA_FINAL;
	map_free(added);
	return rc;
}

static int store_group(struct postgresql *p, struct store_put *const *puts,
	size_t n, struct err *err)
{
	VEC(struct store_put *) left = {0};
	struct map *added = map_new();
	int rc = insert(p, puts, n, added, err);

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct record *r = &puts[i]->record;

		puts[i]->outcome = STORE_NEW;
		if (map_del(added, str_from(r->id)) != NULL)
			continue;
		puts[i]->outcome = STORE_REPEATED;
		if (r->final)
			VEC_PUSH(&left, puts[i]);
	}
	map_free(added);
	if (rc == 0)
		rc = insert_extra(p, left.v, left.n, err);
	VEC_RELEASE(&left);
	return rc;
}

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
	int rc = connected(p, tried, &err) ? store_group(p, puts, n, &err) : -1;

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
		bytes += row_bytes(&puts[i++]->record);
	return i;
}

/* With the lock. */
static void wait_for_work(struct postgresql *p)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
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
