/*
 * A group of rows into the table: one transaction, one round trip. They go as
 * one array a column, so that its cost is that of the rows.
 *
 * Loggers take turns by an advisory lock, which each transaction takes before
 * its rows get their seq: so rows become visible in the order of seq, and who
 * follows the log by seq misses none.
 */
#include "logger/store_postgresql.h"

#include "logger/row_sum.h"
#include "logger/store_sql.h"
#include "proto/base/map.h"

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

size_t postgresql_row_bytes(const struct record *r)
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
				strbuf_addf(&text, "%zu", postgresql_row_bytes(r));
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

int postgresql_store_group(struct postgresql *p,
	struct store_put *const *puts, size_t n, struct err *err)
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
