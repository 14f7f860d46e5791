/*
 * The SQL that both stores share: a column has the name of the record's field,
 * so the record's table says which there are, and no list of fields is spelled
 * twice. Parameters are $1, $2, … in the order of their texts.
 */
#ifndef LOGGER_STORE_SQL_H
#define LOGGER_STORE_SQL_H

#include "logger/query.h"
#include "proto/base/strbuf.h"
#include "proto/msg/record.h"

#define STORE_SQL_PARAMS 8

struct store_sql {
	struct strbuf text;
	const char *params[STORE_SQL_PARAMS]; /* borrowed from the query */
	size_t n;
};

/* "time", "id", ...: the fields of a record, in the order of its table. */
void store_sql_columns(struct strbuf *out);
/* The columns, seq and checksum of the rows that the query asks for. Beside
 * the table, TABLE_sums has the seq from which on each row has one. */
void store_sql_query(struct store_sql *s, const struct query *q,
	const char *table);
/* The same of the row with this id. */
void store_sql_get(struct store_sql *s, const char *id, const char *table);
/* For a table that is damaged: seq and time of the same rows, from an index as
 * far as there is one (time is 0 in the order of storing); and the row there. */
void store_sql_places(struct store_sql *s, const struct query *q,
	const char *table);
void store_sql_at(struct store_sql *s, int64_t seq, const char *table);
void store_sql_release(struct store_sql *s);

/* NULL for an empty text: what a record does not have is null. */
const char *store_sql_text(const char *s);
/* Of a second final row: not final, and the reason says so. */
void store_sql_take_final_back(struct record *r);

#endif
