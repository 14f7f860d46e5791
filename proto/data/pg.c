#include "proto/data/pg.h"

#include <poll.h>

#include "proto/base/clock.h"
#include "proto/base/str.h"
#include "proto/data/pg_inside.h"

#define GRACE_MS 3000 /* that an answer may come after the limit */
#define END_MS 3000   /* for an answer while the process ends */

struct pg_row {
	const PGresult *result;
	int at;
};

/* ---- errors ---------------------------------------------------------------- */

/* libpq's sentences come in lines. */
static void one_line(const char *text, char *out, size_t n)
{
	size_t at = 0;

	for (; *text != '\0' && at + 1 < n; text++) {
		if (*text != '\n')
			out[at++] = *text == '\t' ? ' ' : *text;
		else if (text[1] != '\0')
			out[at++] = ';';
	}
	out[at] = '\0';
}

int pg_fault(struct pg *p, const PGresult *result, struct err *err)
{
	const char *state = result != NULL
		? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	char text[700];

	if (PQstatus(p->c) != CONNECTION_OK)
		p->lost = true;
	one_line(result != NULL ? PQresultErrorMessage(result)
				: PQerrorMessage(p->c), text, sizeof(text));
	if (state != NULL && strcmp(state, "57014") == 0)
		return err_retry(err, "PostgreSQL: the query took too long: "
				      "ask for less");
	return err_retry(err, "PostgreSQL: %s", text[0] != '\0' ? text
		: "the connection is lost");
}

static bool is_good(const PGresult *result)
{
	ExecStatusType s = PQresultStatus(result);

	return s == PGRES_COMMAND_OK || s == PGRES_TUPLES_OK ||
		s == PGRES_SINGLE_TUPLE;
}

/* ---- waiting ------------------------------------------------------------------ */

static void begin(struct pg *p)
{
	p->deadline = clock_mono() + p->limit + GRACE_MS;
}

bool pg_is_ending(const atomic_bool *ending)
{
	return ending != NULL && atomic_load(ending);
}

static int64_t time_left(struct pg *p)
{
	int64_t now = clock_mono();

	if (pg_is_ending(p->ending) && p->deadline > now + END_MS)
		p->deadline = now + END_MS;
	return p->deadline - now;
}

static int give_up(struct pg *p, struct err *err)
{
	p->lost = true;
	if (pg_is_ending(p->ending))
		return err_retry(err, "PostgreSQL: no answer, and we end: the "
				      "connection is given up");
	return err_retry(err, "PostgreSQL: no answer for %lld ms: the "
			      "connection is given up",
		(long long)(p->limit + GRACE_MS));
}

/* Until all is sent and something has come. A server that takes nothing more,
 * or takes every byte and says nothing, does not keep us: then the connection
 * is lost. */
static int wait_for_result(struct pg *p, struct err *err)
{
	for (;;) {
		int unsent = PQflush(p->c);
		struct pollfd fd = {.fd = PQsocket(p->c), .events = POLLIN};
		int64_t left = time_left(p);

		if (unsent < 0)
			return pg_fault(p, NULL, err);
		if (unsent == 0 && !PQisBusy(p->c))
			return 0;
		if (left <= 0)
			return give_up(p, err);
		if (unsent > 0)
			fd.events |= POLLOUT;
		if (poll(&fd, 1, (int)(left < PG_LOOK_MS ? left : PG_LOOK_MS))
				> 0 && (fd.revents & ~POLLOUT) != 0 &&
			PQconsumeInput(p->c) != 1)
			return pg_fault(p, NULL, err);
	}
}

/* As PQgetResult. */
static int next_result(struct pg *p, PGresult **result, struct err *err)
{
	*result = NULL;
	if (p->limit != 0 && wait_for_result(p, err) < 0)
		return -1;
	*result = PQgetResult(p->c);
	return 0;
}

/* The last result of what was sent: 0, or -1 with the first fault. */
static int only_result(struct pg *p, struct err *err)
{
	PGresult *result;
	int rc = 0;

	while (next_result(p, &result, rc < 0 ? NULL : err) == 0) {
		if (result == NULL)
			return rc;
		if (!is_good(result) && rc == 0)
			rc = pg_fault(p, result, err);
		PQclear(result);
	}
	return -1;
}

bool pg_lost(const struct pg *p)
{
	return p->lost;
}

/* ---- rows -------------------------------------------------------------------- */

const char *pg_str(const struct pg_row *r, int column)
{
	return PQgetisnull(r->result, r->at, column)
		? NULL : PQgetvalue(r->result, r->at, column);
}

int64_t pg_i64(const struct pg_row *r, int column)
{
	const char *text = pg_str(r, column);
	int64_t n;

	return text != NULL && str_to_i64(str_from(text), &n) == 0 ? n : 0;
}

bool pg_bool(const struct pg_row *r, int column)
{
	const char *text = pg_str(r, column);

	return text != NULL && text[0] == 't';
}

/* Gives the rows of one result to the statement; nonzero: it has enough. */
static int give_rows(const struct pg_statement *s, const PGresult *result,
	int *n)
{
	struct pg_row row = {.result = result};

	if (s->row == NULL)
		return 0;
	for (; row.at < PQntuples(result); row.at++) {
		++*n;
		if (s->row(s->ctx, &row) != 0)
			return 1;
	}
	return 0;
}

/* ---- statements --------------------------------------------------------------- */

int pg_exec(struct pg *p, const char *sql, struct err *err)
{
	begin(p);
	return PQsendQuery(p->c, sql) == 1 ? only_result(p, err)
					   : pg_fault(p, NULL, err);
}

static int prepare(struct pg *p, const struct pg_statement *s,
	struct err *err)
{
	for (size_t i = 0; s->name != NULL && i < p->prepared.n; i++)
		if (strcmp(p->prepared.v[i], s->name) == 0)
			return 0;
	if (s->name == NULL)
		return 0;
	if (PQsendPrepare(p->c, s->name, s->sql, s->n_params, NULL) != 1)
		return pg_fault(p, NULL, err);
	if (only_result(p, err) < 0)
		return -1;
	VEC_PUSH(&p->prepared, s->name);
	return 0;
}

static int send_statement(struct pg *p, const struct pg_statement *s,
	struct err *err)
{
	int rc = s->name != NULL
		? PQsendQueryPrepared(p->c, s->name, s->n_params, s->params,
			NULL, NULL, 0)
		: PQsendQueryParams(p->c, s->sql, s->n_params, NULL, s->params,
			NULL, NULL, 0);

	return rc == 1 ? 0 : pg_fault(p, NULL, err);
}

int pg_query(struct pg *p, const struct pg_statement *s, struct err *err)
{
	PGresult *result;
	bool enough = false; /* the rest is read and not looked at */
	int n = 0, rc = 0;

	begin(p);
	if (prepare(p, s, err) < 0 || send_statement(p, s, err) < 0)
		return -1;
	PQsetSingleRowMode(p->c);
	for (;;) {
		if (next_result(p, &result, enough ? NULL : err) < 0)
			return enough ? n : -1;
		if (result == NULL)
			break;
		if (!is_good(result) && !enough)
			rc = pg_fault(p, result, err);
		else if (!enough && give_rows(s, result, &n) != 0)
			enough = true;
		PQclear(result);
	}
	return rc < 0 ? -1 : n;
}

/* The results of one statement of a pipeline: 0 or -1 with the first fault. */
static int take_results(struct pg *p, const struct pg_statement *s,
	struct err *err)
{
	PGresult *result;
	int rc = 0, n = 0;

	for (;;) {
		ExecStatusType status;

		if (next_result(p, &result, rc < 0 ? NULL : err) < 0)
			return -1;
		if (result == NULL)
			return rc;
		status = PQresultStatus(result);
		if (status == PGRES_PIPELINE_ABORTED)
			rc = -1; /* an earlier one failed */
		else if (!is_good(result))
			rc = pg_fault(p, result, err);
		else
			(void)give_rows(s, result, &n);
		PQclear(result);
	}
}

static int transact(struct pg *p, const struct pg_statement *s, size_t n,
	struct err *err)
{
	static const struct pg_statement start = {.sql = "BEGIN"},
		commit = {.sql = "COMMIT"};
	PGresult *sync;
	int rc = 0;

	if (PQenterPipelineMode(p->c) != 1 ||
		send_statement(p, &start, err) < 0)
		return pg_fault(p, NULL, err);
	for (size_t i = 0; i < n; i++)
		if (send_statement(p, &s[i], err) < 0)
			return -1;
	if (send_statement(p, &commit, err) < 0 || PQpipelineSync(p->c) != 1)
		return pg_fault(p, NULL, err);
	rc = take_results(p, &start, err);
	for (size_t i = 0; i < n; i++)
		rc |= take_results(p, &s[i], rc < 0 ? NULL : err);
	rc |= take_results(p, &commit, rc < 0 ? NULL : err);
	if (p->lost || next_result(p, &sync, rc < 0 ? NULL : err) < 0)
		return -1;
	PQclear(sync);
	if (rc == 0 && PQexitPipelineMode(p->c) != 1)
		rc = pg_fault(p, NULL, err);
	return rc;
}

int pg_transact(struct pg *p, const struct pg_statement *s, size_t n,
	struct err *err)
{
	begin(p);
	for (size_t i = 0; i < n; i++)
		if (prepare(p, &s[i], err) < 0)
			return -1;
	if (transact(p, s, n, err) == 0)
		return 0;
	p->lost = true;
	return -1;
}
