#include "logger/store_sql.h"

#include <inttypes.h>

#include "logger/row_sum.h"
#include "proto/base/mem.h"

void store_sql_columns(struct strbuf *out)
{
	for (size_t i = 0; i < record_table.n; i++)
		strbuf_addf(out, "%s\"%s\"", i ? ", " : "",
			record_table.fields[i].name);
}

/* What row_sum.h says of a row: ROW_SUM_OLD or ROW_SUM_MISSING without one. */
static void add_select(struct strbuf *sql, const char *table)
{
	strbuf_add_cstr(sql, "SELECT ");
	store_sql_columns(sql);
	strbuf_addf(sql, ", seq, coalesce(checksum, CASE WHEN seq > 0 AND seq < "
		"(SELECT since FROM %s_sums) THEN %d ELSE %d END) AS sum FROM %s",
		table, ROW_SUM_OLD, ROW_SUM_MISSING, table);
}

/* Who follows the log asks for the few rows above a seq: that no other index
 * looks better, the column is hidden from the planner. */
static void add_filter(struct store_sql *s, const struct query *q,
	const char *column, const char *text)
{
	bool hide = q->order == QUERY_AS_STORED;

	if (text == NULL)
		return;
	s->params[s->n++] = text;
	strbuf_addf(&s->text, " AND \"%s\"%s = $%zu", column,
		hide ? " || ''" : "", s->n);
}

/* Numbers stand in the statement themselves. */
static void add_range(const struct query *q, struct strbuf *sql)
{
	const char *time = q->order == QUERY_AS_STORED ? "time + 0" : "time";

	if (q->since != 0)
		strbuf_addf(sql, " AND %s >= %" PRId64, time, q->since);
	if (q->until != 0)
		strbuf_addf(sql, " AND %s < %" PRId64, time, q->until);
	if (q->after.seq == 0)
		return;
	if (q->order == QUERY_AS_STORED)
		strbuf_addf(sql, " AND seq > %" PRId64, q->after.seq);
	else
		strbuf_addf(sql, " AND (time, seq) %c (%" PRId64 ", %" PRId64
				 ")", q->order == QUERY_FROM_OLDEST ? '>' : '<',
			q->after.time, q->after.seq);
}

static void add_conditions(struct store_sql *s, const struct query *q)
{
	static const char *const orders[] = {
		[QUERY_NEWEST_FIRST] = "time DESC, seq DESC",
		[QUERY_OLDEST_FIRST] = "time DESC, seq DESC",
		[QUERY_FROM_OLDEST] = "time, seq",
		[QUERY_AS_STORED] = "seq",
	};

	strbuf_add_cstr(&s->text, " WHERE true");
	add_filter(s, q, "event", q->event);
	add_filter(s, q, "trigger", q->trigger);
	add_filter(s, q, "repository", q->repository);
	add_filter(s, q, "tag", q->tag);
	add_filter(s, q, "status", q->status);
	add_range(q, &s->text);
	strbuf_addf(&s->text, " ORDER BY %s LIMIT %" PRId64, orders[q->order],
		q->limit);
}

void store_sql_query(struct store_sql *s, const struct query *q,
	const char *table)
{
	bool turned = q->order == QUERY_OLDEST_FIRST;

	if (turned)
		strbuf_add_cstr(&s->text, "SELECT * FROM (");
	add_select(&s->text, table);
	add_conditions(s, q);
	if (turned)
		strbuf_add_cstr(&s->text, ") AS page ORDER BY time, seq");
}

void store_sql_places(struct store_sql *s, const struct query *q,
	const char *table)
{
	bool turned = q->order == QUERY_OLDEST_FIRST;

	strbuf_addf(&s->text, "%sSELECT seq, %s AS time FROM %s",
		turned ? "SELECT * FROM (" : "",
		q->order == QUERY_AS_STORED ? "0" : "time", table);
	add_conditions(s, q);
	if (turned)
		strbuf_add_cstr(&s->text, ") AS page ORDER BY time, seq");
}

void store_sql_at(struct store_sql *s, int64_t seq, const char *table)
{
	add_select(&s->text, table);
	strbuf_addf(&s->text, " WHERE seq = %" PRId64, seq);
}

void store_sql_get(struct store_sql *s, const char *id, const char *table)
{
	add_select(&s->text, table);
	strbuf_add_cstr(&s->text, " WHERE id = $1");
	s->params[s->n++] = id;
}

void store_sql_release(struct store_sql *s)
{
	strbuf_release(&s->text);
	s->n = 0;
}

const char *store_sql_text(const char *s)
{
	return s != NULL && s[0] != '\0' ? s : NULL;
}

void store_sql_take_final_back(struct record *r)
{
	char *reason = r->reason;

	r->final = false;
	r->reason = NULL;
	record_reason(r, "%s%s(a final row exists already)",
		reason ? reason : "", reason && reason[0] ? " " : "");
	free(reason);
}
