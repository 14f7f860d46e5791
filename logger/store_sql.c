#include "logger/store_sql.h"

#include <inttypes.h>

#include "proto/base/mem.h"

void store_sql_columns(struct strbuf *out)
{
	for (size_t i = 0; i < record_table.n; i++)
		strbuf_addf(out, "%s\"%s\"", i ? ", " : "",
			record_table.fields[i].name);
}

static void add_filter(struct store_sql *s, const char *column,
	const char *text)
{
	if (text == NULL)
		return;
	s->params[s->n++] = text;
	strbuf_addf(&s->text, " AND \"%s\" = $%zu", column, s->n);
}

/* Numbers stand in the statement themselves. */
static void add_range(const struct query *q, struct strbuf *sql)
{
	if (q->since != 0)
		strbuf_addf(sql, " AND time >= %" PRId64, q->since);
	if (q->until != 0)
		strbuf_addf(sql, " AND time < %" PRId64, q->until);
	if (q->after.seq != 0 && q->order == QUERY_AS_STORED)
		strbuf_addf(sql, " AND seq > %" PRId64, q->after.seq);
	if (q->after.seq != 0 && q->order != QUERY_AS_STORED)
		strbuf_addf(sql, " AND (time, seq) < (%" PRId64 ", %" PRId64
				 ")", q->after.time, q->after.seq);
}

void store_sql_query(struct store_sql *s, const struct query *q,
	const char *table)
{
	struct strbuf *sql = &s->text;

	strbuf_add_cstr(sql, q->order == QUERY_OLDEST_FIRST
			? "SELECT * FROM (SELECT " : "SELECT ");
	store_sql_columns(sql);
	strbuf_addf(sql, ", seq FROM %s WHERE true", table);
	add_filter(s, "event", q->event);
	add_filter(s, "trigger", q->trigger);
	add_filter(s, "repository", q->repository);
	add_filter(s, "tag", q->tag);
	add_filter(s, "status", q->status);
	add_range(q, sql);
	strbuf_addf(sql, " ORDER BY %s LIMIT %" PRId64,
		q->order == QUERY_AS_STORED ? "seq" : "time DESC, seq DESC",
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
