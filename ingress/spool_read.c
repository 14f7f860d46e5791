#include "ingress/spool_read.h"

#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/data/db.h"

struct spool_reader {
	struct db *db;
	int64_t pending, newest; /* when opened */
};

static int read_start(struct spool_reader *r, struct err *err)
{
	struct db_stmt *st;
	int rc;

	st = db_prepare(r->db, "select max(id), max(seq) from event", err);
	if (!st)
		return -1;
	rc = db_step(st, err);
	if (rc < 0)
		return -1;
	if (!db_col_null(st, 0)) {
		uid_floor(db_col_str(st, 0));
		r->newest = db_col_i64(st, 1);
	}
	db_reset(st);
	st = db_prepare(r->db, "select count(*) from event"
		" indexed by event_pending where state = 'pending'", err);
	if (!st)
		return -1;
	rc = db_step(st, err);
	if (rc < 0)
		return -1;
	r->pending = db_col_i64(st, 0);
	db_reset(st);
	return 0;
}

struct spool_reader *spool_reader_open(const char *dir, struct err *err)
{
	struct spool_reader *r = xcalloc(1, sizeof(*r));
	char *path = xprintf("%s/spool.db", dir);

	r->db = db_open(path, &spool_schema, true, err);
	free(path);
	if (r->db && !read_start(r, err))
		return r;
	spool_reader_close(r);
	return NULL;
}

void spool_reader_close(struct spool_reader *r)
{
	if (!r)
		return;
	db_close(r->db);
	free(r);
}

int64_t spool_reader_pending(const struct spool_reader *r)
{
	return r->pending;
}

int64_t spool_reader_newest(const struct spool_reader *r)
{
	return r->newest;
}

int64_t spool_reader_oldest(struct spool_reader *r)
{
	struct err err = {0};
	struct db_stmt *st = db_prepare(r->db, "select id from event"
		" indexed by event_pending where state = 'pending'"
		" order by seq limit 1", &err);
	int64_t time = 0;

	if (st && db_step(st, &err) > 0) {
		const char *id = db_col_str(st, 0);

		time = id ? uid_time(id) : 0;
		db_reset(st);
	}
	return time > 0 ? time : 0;
}

/* The sentence when the row is not what was put, else NULL and row->event. */
static const char *read_event(struct db_stmt *st, struct spool_row *row)
{
	struct str payload = db_col_blob(st, 2);
	const char *sum = db_col_str(st, 3);
	char want[SPOOL_SUM_LEN];
	struct err err = {0};

	spool_sum(payload, want);
	/* spool.sum is the mutation that the tests must catch. */
	if ((!sum || strcmp(sum, want) != 0) && !FAIL_POINT("spool.sum"))
		return "the spool's copy of the event is damaged: its "
		       "checksum differs";
	if (field_unpack(&event_table, payload, &row->event, &err) < 0) {
		log_warn(row->id, "%s", err.text);
		return "the spool's copy of the event cannot be read";
	}
	if (!row->id || strcmp(row->event.id, row->id) != 0) {
		field_release(&event_table, &row->event);
		return "the spool's copy of the event has another id than "
		       "its row";
	}
	return NULL;
}

int spool_reader_load(struct spool_reader *r, int64_t after, int64_t upto, size_t limit,
	void (*fn)(void *ctx, struct spool_row *row), void *ctx,
	int64_t *last, struct err *err)
{
	struct db_stmt *st;
	size_t n = 0;
	int rc;

	st = db_prepare(r->db, "select seq, id, payload, sum, source"
		" from event indexed by event_pending where state = 'pending'"
		" and seq > ?1 and seq <= ?2 order by seq limit ?3", err);
	if (!st)
		return -1;
	db_bind_i64(st, 1, after);
	db_bind_i64(st, 2, upto);
	db_bind_i64(st, 3, (int64_t)limit);
	while ((rc = db_step(st, err)) == 1) {
		struct spool_row row = {
			.seq = db_col_i64(st, 0),
			.id = db_col_str(st, 1),
			.source = db_col_str(st, 4),
		};

		row.damage = read_event(st, &row);
		fn(ctx, &row);
		field_release(&event_table, &row.event);
		*last = row.seq;
		n++;
	}
	if (rc < 0)
		return -1;
	if (n < limit)
		*last = upto;
	return 0;
}

int spool_reader_parked(struct spool_reader *r, size_t limit,
	void (*fn)(void *ctx, struct spool_row *row, const char *reason),
	void *ctx, struct err *err)
{
	struct db_stmt *st;
	int rc;

	st = db_prepare(r->db, "select seq, id, payload, sum, source, reason"
		" from event indexed by event_parked where state = 'parked'"
		" order by seq desc limit ?1", err);
	if (!st)
		return -1;
	db_bind_i64(st, 1, (int64_t)limit);
	while ((rc = db_step(st, err)) == 1) {
		struct spool_row row = {
			.seq = db_col_i64(st, 0),
			.id = db_col_str(st, 1),
			.source = db_col_str(st, 4),
		};

		row.damage = read_event(st, &row);
		fn(ctx, &row, db_col_str(st, 5));
		field_release(&event_table, &row.event);
	}
	return rc;
}
