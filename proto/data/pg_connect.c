/* How a connection begins and ends. */
#include "proto/data/pg.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "proto/base/clock.h"
#include "proto/data/pg_inside.h"

bool pg_url_valid(const char *url)
{
	PQconninfoOption *o;

	if (strncmp(url, "postgresql://", 13) != 0 &&
		strncmp(url, "postgres://", 11) != 0)
		return false;
	o = PQconninfoParse(url, NULL); /* its message has the password */
	PQconninfoFree(o);
	return o != NULL;
}

static void say_nothing(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static int only_number(void *ctx, const struct pg_row *r)
{
	*(int64_t *)ctx = pg_i64(r, 0);
	return 0;
}

/* What an ACK promises is on disk, whatever the server's default. */
static int configure(struct pg *p, const struct pg_config *c, struct err *err)
{
	int64_t utf8 = 0;
	const struct pg_statement encoding = {
		.sql = "SELECT (current_setting('server_encoding') = 'UTF8')"
		       "::int",
		.row = only_number,
		.ctx = &utf8,
	};
	char sql[300];

	snprintf(sql, sizeof(sql),
		"SET client_min_messages TO warning;"
		"SET statement_timeout TO %lld;"
		"SET default_transaction_read_only TO %s;"
		"SELECT set_config('synchronous_commit', 'on', false) WHERE "
		"current_setting('synchronous_commit') = 'off'",
		(long long)c->limit_ms, c->readonly ? "on" : "off");
	if (pg_exec(p, sql, err) < 0 || pg_query(p, &encoding, err) < 0)
		return -1;
	if (!utf8)
		return err_fail(err, "PostgreSQL: the database's encoding is "
				     "not UTF8: create one with ENCODING "
				     "'UTF8' TEMPLATE template0");
	return 0;
}

/* ---- connecting ------------------------------------------------------------ */

/* One on a thread of its own, which tries the URL's addresses one after the
 * other: who waits for it need not wait until its end. The last of the two to
 * leave frees it. */
struct attempt {
	pthread_mutex_t lock;
	pthread_cond_t told;
	int holders;
	bool done;
	PGconn *c;
	char *url;
	struct secret password;
};

static PGconn *connect_now(const char *url, const struct secret *password)
{
	/* The URL goes before the defaults above it, the password before it. */
	const char *const keys[] = {"connect_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"application_name", "dbname", "client_encoding",
		password != NULL && password->n > 0 ? "password" : NULL, NULL};
	const char *const values[] = {"5", "10", "5", "3", "15000",
		"pullwire-logger", url, "UTF8",
		password != NULL ? password->p : NULL, NULL};

	return PQconnectdbParams(keys, values, 1);
}

/* With the lock; without it on return. */
static void leave(struct attempt *a)
{
	bool last = --a->holders == 0;

	pthread_mutex_unlock(&a->lock);
	if (!last)
		return;
	PQfinish(a->c);
	secret_release(&a->password);
	pthread_cond_destroy(&a->told);
	pthread_mutex_destroy(&a->lock);
	free(a->url);
	free(a);
}

static void *attempt_run(void *arg)
{
	struct attempt *a = arg;
	PGconn *c = connect_now(a->url, &a->password);

	pthread_mutex_lock(&a->lock);
	a->c = c;
	a->done = true;
	pthread_cond_signal(&a->told);
	leave(a);
	return NULL;
}

static struct attempt *attempt_new(const struct pg_config *c)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	pthread_condattr_t attr;

	pthread_mutex_init(&a->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->told, &attr);
	pthread_condattr_destroy(&attr);
	a->holders = 2;
	a->url = xstrdup(c->url);
	if (c->password != NULL && c->password->n > 0)
		secret_set(&a->password,
			(struct str){c->password->p, c->password->n});
	return a;
}

static int attempt_start(struct attempt *a, struct err *err)
{
	sigset_t all, old;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&thread, NULL, attempt_run, a);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0) {
		pthread_detach(thread);
		return 0;
	}
	pthread_mutex_lock(&a->lock);
	a->holders--;
	leave(a);
	return err_retry(err, "no thread for PostgreSQL: %s", strerror(rc));
}

/* With the lock, until it is done, or nobody wants it any more: -1. */
static int attempt_wait(struct attempt *a, const struct pg_config *c,
	struct err *err)
{
	int64_t start = clock_mono();
	struct timespec next;

	while (!a->done) {
		if (pg_is_ending(c->ending))
			return err_retry(err, "PostgreSQL: there is no "
					      "connection yet, and we end");
		if (c->connect_ms != 0 && clock_mono() - start >= c->connect_ms)
			return err_retry(err, "PostgreSQL: no connection for "
					      "%lld ms",
				(long long)c->connect_ms);
		clock_gettime(CLOCK_MONOTONIC, &next);
		next.tv_nsec += PG_LOOK_MS * 1000000L;
		next.tv_sec += next.tv_nsec / 1000000000L;
		next.tv_nsec %= 1000000000L;
		pthread_cond_timedwait(&a->told, &a->lock, &next);
	}
	return 0;
}

/* 0 with a connection, which may have failed; or -1. */
static int get_connection(const struct pg_config *c, PGconn **out,
	struct err *err)
{
	struct attempt *a;
	int rc;

	if (c->ending == NULL && c->connect_ms == 0) {
		*out = connect_now(c->url, c->password);
		return 0;
	}
	a = attempt_new(c);
	if (attempt_start(a, err) < 0)
		return -1;
	pthread_mutex_lock(&a->lock);
	rc = attempt_wait(a, c, err);
	if (rc == 0) {
		*out = a->c;
		a->c = NULL;
	}
	leave(a);
	return rc;
}

/* ---- life ------------------------------------------------------------------- */

struct pg *pg_open(const struct pg_config *c, struct err *err)
{
	PGconn *connection = NULL;
	struct pg *p;

	if (!pg_url_valid(c->url)) {
		err_fail(err, "this is no URL of PostgreSQL; write "
			      "postgresql://USER@HOST/DATABASE");
		return NULL;
	}
	if (get_connection(c, &connection, err) < 0)
		return NULL;
	p = xcalloc(1, sizeof(*p));
	p->limit = c->limit_ms;
	p->ending = c->ending;
	p->c = connection;
	if (p->c != NULL)
		PQsetNoticeProcessor(p->c, say_nothing, NULL);
	if (PQstatus(p->c) != CONNECTION_OK ||
		/* What a socket takes no more of waits with us, for a time. */
		(p->limit != 0 && PQsetnonblocking(p->c, 1) != 0))
		pg_fault(p, NULL, err);
	else if (configure(p, c, err) == 0)
		return p;
	pg_close(p);
	return NULL;
}

void pg_close(struct pg *p)
{
	if (p == NULL)
		return;
	PQfinish(p->c);
	VEC_RELEASE(&p->prepared);
	free(p);
}

