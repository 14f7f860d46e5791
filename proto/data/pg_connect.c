/* How a connection begins and ends. */
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

struct pg *pg_open(const struct pg_config *c, struct err *err)
{
	/* The URL goes before the defaults above it, the password before it. */
	const char *const keys[] = {"connect_timeout", "keepalives_idle",
		"keepalives_interval", "keepalives_count", "tcp_user_timeout",
		"application_name", "dbname", "client_encoding",
		c->password != NULL && c->password->n > 0 ? "password" : NULL,
		NULL};
	const char *const values[] = {"5", "10", "5", "3", "15000",
		"pullwire-logger", c->url, "UTF8",
		c->password != NULL ? c->password->p : NULL, NULL};
	struct pg *p;

	if (!pg_url_valid(c->url)) {
		err_fail(err, "this is no URL of PostgreSQL; write "
			      "postgresql://USER@HOST/DATABASE");
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->limit = c->limit_ms;
	p->ending = c->ending;
	p->c = PQconnectdbParams(keys, values, 1);
	if (p->c != NULL)
		PQsetNoticeProcessor(p->c, say_nothing, NULL);
	if (PQstatus(p->c) != CONNECTION_OK)
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

