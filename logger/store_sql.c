#include "logger/store_sql.h"

#include <inttypes.h>

#include "proto/base/mem.h"

void store_sql_columns(struct strbuf *out)
{
	for (size_t i = 0; i < record_table.n; i++)
		strbuf_addf(out, "%s\"%s\"", i ? ", " : "",
			record_table.fields[i].name);
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

void store_sql_query(struct store_sql *s, const struct query *q,
	const char *table)
{
	static const char *const orders[] = {
		[QUERY_NEWEST_FIRST] = "time DESC, seq DESC",
		[QUERY_OLDEST_FIRST] = "time DESC, seq DESC",
		[QUERY_FROM_OLDEST] = "time, seq",
		[QUERY_AS_STORED] = "seq",
	};
	struct strbuf *sql = &s->text;

	strbuf_add_cstr(sql, q->order == QUERY_OLDEST_FIRST
			? "SELECT * FROM (SELECT " : "SELECT ");
	store_sql_columns(sql);
	strbuf_addf(sql, ", seq FROM %s WHERE true", table);
	add_filter(s, q, "event", q->event);
	add_filter(s, q, "trigger", q->trigger);
	add_filter(s, q, "repository", q->repository);
	add_filter(s, q, "tag", q->tag);
	add_filter(s, q, "status", q->status);
	add_range(q, sql);
	strbuf_addf(sql, " ORDER BY %s LIMIT %" PRId64, orders[q->order],
		q->limit);
	if (q->order == QUERY_OLDEST_FIRST)
		strbuf_add_cstr(sql, ") AS page ORDER BY time, seq");
}

void store_sql_get(struct store_sql *s, const char *id, const char *table)
{
	strbuf_add_cstr(&s->text, "SELECT ");
	store_sql_columns(&s->text);
	strbuf_addf(&s->text, ", seq FROM %s WHERE id = $1", table);
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
