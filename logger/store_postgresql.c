/*
 * Rows in PostgreSQL: several loggers write one log, and any of them answers.
 * The promises of store.h are indexes of the table, as in SQLite. The tables
 * are in whatever schema the connection's search_path begins with.
 */
#include "logger/store_postgresql.h"

#include <signal.h>
#include <time.h>

#include "proto/base/log.h"

#define QUERY_MS 2000  /* in the daemon */
#define WRITE_MS 30000 /* a group that waits longer for a lock is given back */
#define START_MS 5000  /* then the writer's thread goes on trying */
#define QUEUE_MAX 65536

/* ---- tables ------------------------------------------------------------------ */

/* Texts are compared as bytes: that is quick, and no two servers differ. */
#define TEXT " text COLLATE \"C\""

static const char *const migrations[] = {
	"CREATE TABLE pullwire_record ("
	" seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" time bigint NOT NULL,"
	" id" TEXT " NOT NULL,"
	" event" TEXT " NOT NULL,"
	" \"trigger\"" TEXT ","
	" source text, repository" TEXT ", tag" TEXT ", digest text,"
	" status" TEXT " NOT NULL,"
	" final boolean NOT NULL,"
	" reason text, target text,"
	" attempt bigint NOT NULL, attempts bigint NOT NULL,"
	" next_attempt bigint NOT NULL,"
	" duration_ms text, url text, request text, response text,"
	" from_digest text, to_digest text, instance text, generation text,"
	" bytes integer NOT NULL);"
	"CREATE UNIQUE INDEX pullwire_record_id ON pullwire_record(id);"
	"CREATE UNIQUE INDEX pullwire_record_one_final ON pullwire_record"
	"(event, coalesce(\"trigger\", '')) WHERE final;"
	"CREATE INDEX pullwire_record_time ON pullwire_record(time, seq);"
	"CREATE INDEX pullwire_record_event"
	" ON pullwire_record(event, time, seq);"
	"CREATE INDEX pullwire_record_trigger"
	" ON pullwire_record(\"trigger\", time, seq);"
	"CREATE INDEX pullwire_record_repository"
	" ON pullwire_record(repository, time, seq);"
	"CREATE INDEX pullwire_record_tag ON pullwire_record(tag, time, seq);"
	"CREATE INDEX pullwire_record_status"
	" ON pullwire_record(status, time, seq);"
	"CREATE INDEX pullwire_record_trigger_status"
	" ON pullwire_record(\"trigger\", status, time, seq);"
	/* Has all that the counts of a span ask for. */
	"CREATE INDEX pullwire_record_outcome"
	" ON pullwire_record(time, \"trigger\", status) WHERE final;",
	/* Old rows have no sum; what a logger of the version before stores that
	 * is still connected gets ROW_SUM_OLD. */
	"ALTER TABLE pullwire_record ADD COLUMN checksum bigint;"
	"ALTER TABLE pullwire_record ALTER COLUMN checksum SET DEFAULT -2;"
	"CREATE TABLE pullwire_record_sums AS"
	" SELECT coalesce(max(seq), 0) + 1 AS since FROM pullwire_record;",
};

static int take_number(void *ctx, const struct pg_row *r)
{
	*(int64_t *)ctx = pg_i64(r, 0);
	return 0;
}

static int version_of(struct pg *pg, int64_t *version, struct err *err)
{
	const struct pg_statement s = {
		.sql = "SELECT version FROM pullwire_log",
		.row = take_number,
		.ctx = version,
	};

	if (pg_query(pg, &s, err) < 0)
		return -1;
	if (*version > (int64_t)ARRAY_LEN(migrations))
		return err_fail(err, "PostgreSQL: the log was written by a "
				     "newer Pullwire (version %lld, this one "
				     "knows %zu): upgrade this one",
			(long long)*version, ARRAY_LEN(migrations));
	return 0;
}

/* In a transaction that only one logger is in at a time. */
static int migrate(struct pg *pg, struct err *err)
{
	int64_t version = 0;
	char sql[64];

	if (pg_exec(pg, "BEGIN;"
			"SELECT pg_advisory_xact_lock(1886743660, 0);"
			"CREATE TABLE IF NOT EXISTS pullwire_log ("
			" one boolean PRIMARY KEY DEFAULT true CHECK (one),"
			" version integer NOT NULL, bytes bigint NOT NULL);"
			"INSERT INTO pullwire_log (version, bytes) VALUES (0, 0)"
			" ON CONFLICT DO NOTHING", err) < 0 ||
		version_of(pg, &version, err) < 0)
		return -1;
	for (size_t i = (size_t)version; i < ARRAY_LEN(migrations); i++)
		if (pg_exec(pg, migrations[i], err) < 0)
			return -1;
	snprintf(sql, sizeof(sql), "UPDATE pullwire_log SET version = %zu; "
				   "COMMIT", ARRAY_LEN(migrations));
	return pg_exec(pg, sql, err);
}

static int check_tables(struct pg *pg, struct err *err)
{
	int64_t version = 0;

	if (version_of(pg, &version, err) < 0)
		return -1;
	if (version < (int64_t)ARRAY_LEN(migrations))
		return err_retry(err, "PostgreSQL: the log is of an older "
				      "version; the daemon brings it up to "
				      "date when it starts");
	return 0;
}

static struct pg *connect_within(const struct postgresql *p, bool writes,
	int64_t connect_ms, struct err *err)
{
	const struct pg_config c = {
		.url = p->url,
		.password = &p->password,
		.readonly = !writes,
		.limit_ms = writes ? WRITE_MS : p->readonly ? 0 : QUERY_MS,
		.ending = &p->ending,
		.connect_ms = connect_ms,
	};
	struct pg *pg;

	if (atomic_load(&p->ending)) {
		err_retry(err, "PostgreSQL: there is no connection, and we end");
		return NULL;
	}
	pg = pg_open(&c, err);
	if (pg == NULL)
		return NULL;
	if ((writes ? migrate(pg, err) : check_tables(pg, err)) == 0)
		return pg;
	pg_close(pg);
	return NULL;
}

struct pg *postgresql_connect(const struct postgresql *p, bool writes,
	struct err *err)
{
	return connect_within(p, writes, 0, err);
}

/* ---- what waits ----------------------------------------------------------------- */

static int postgresql_put(struct store *s, struct store_put *put)
{
	struct postgresql *p = postgresql_of(s);
	int rc = -1;

	pthread_mutex_lock(&p->lock);
	if (p->puts.n < QUEUE_MAX && !p->stopping) {
		VEC_PUSH(&p->puts, put);
		pthread_cond_signal(&p->more);
		rc = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

static int postgresql_prune(struct store *s, struct store_prune *prune)
{
	struct postgresql *p = postgresql_of(s);
	int rc = -1;

	pthread_mutex_lock(&p->lock);
	if (!p->stopping) {
		VEC_PUSH(&p->prunes, prune);
		pthread_cond_signal(&p->more);
		rc = 0;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

static int postgresql_check(struct store *s, struct err *err)
{
	struct postgresql *p = postgresql_of(s);
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	if (p->fault.cls != ERR_NONE) {
		*err = p->fault;
		rc = -1;
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* ---- life ------------------------------------------------------------------------ */

static void postgresql_ending(struct store *s)
{
	atomic_store(&postgresql_of(s)->ending, true);
}

static void postgresql_close(struct store *s)
{
	struct postgresql *p = postgresql_of(s);

	postgresql_ending(s);
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
	for (size_t i = 0; i < p->idle.n; i++)
		pg_close(p->idle.v[i]);
	pg_close(p->pg);
	VEC_RELEASE(&p->idle);
	VEC_RELEASE(&p->puts);
	VEC_RELEASE(&p->prunes);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	secret_release(&p->password);
	free(p->insert);
	free(p->url);
	free(p);
}

static int start_writer(struct postgresql *p, struct err *err)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&p->thread, NULL, postgresql_writer, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc != 0)
		return err_retry(err, "no thread for PostgreSQL: %s",
			strerror(rc));
	p->started = true;
	return 0;
}

/* A server that is away does not hold up the start: rows wait at their
 * senders, and /readyz says why. */
static int open_writer(struct postgresql *p, struct err *err)
{
	p->insert = postgresql_insert_text();
	p->pg = connect_within(p, true, START_MS, err);
	if (p->pg == NULL && err->cls == ERR_FAIL)
		return -1;
	if (p->pg == NULL) {
		p->fault = *err;
		log_error(NULL, "%s; it is tried again", err->text);
	}
	return start_writer(p, err);
}

static struct store *postgresql_open(const struct store_config *c,
	struct err *err)
{
	struct postgresql *p = xcalloc(1, sizeof(*p));
	pthread_condattr_t attr;
	int64_t seq;

	p->base.driver = &store_postgresql;
	p->url = xstrdup(c->url);
	p->readonly = c->readonly;
	if (c->password != NULL && c->password->n > 0)
		secret_set(&p->password,
			(struct str){c->password->p, c->password->n});
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->more, &attr);
	pthread_condattr_destroy(&attr);
	if ((c->readonly ? postgresql_last(&p->base, &seq, err)
			 : open_writer(p, err)) == 0)
		return &p->base;
	postgresql_close(&p->base);
	return NULL;
}

const struct store_driver store_postgresql = {
	.names = {"postgresql", "postgres"},
	.open = postgresql_open,
	.ending = postgresql_ending,
	.close = postgresql_close,
	.put = postgresql_put,
	.prune = postgresql_prune,
	.query = postgresql_query,
	.get = postgresql_get,
	.last = postgresql_last,
	.check = postgresql_check,
	.count = postgresql_count,
};
