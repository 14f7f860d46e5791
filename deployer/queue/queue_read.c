#include "deployer/queue/queue_read.h"

#include "deployer/queue/sealed.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/*
 * The one row that sql finds by its keys ?1 and ?2 (NULL: it has fewer).
 * 1: *s stands on it, the caller resets it. 0: there is none.
 */
static int find(struct db *db, const char *sql, const char *key1,
	const char *key2, struct db_stmt **s, struct err *err)
{
	*s = db_prepare(db, sql, err);
	if (!*s)
		return -1;
	db_bind_str(*s, 1, key1);
	if (key2)
		db_bind_str(*s, 2, key2);
	return db_step(*s, err);
}

/* The same of an open job, which must be there. */
static int find_open(struct db *db, const char *sql, const char *id,
	struct db_stmt **s, struct err *err)
{
	int rc = find(db, sql, id, NULL, s, err);

	return rc == 0 ? err_fail(err, "the queue has no open job %s", id) : rc;
}

int queue_read_job(struct db *db, const char *id, struct job *job,
	struct err *err)
{
	struct db_stmt *s;
	int rc;

	if (find_open(db,
		"SELECT payload FROM jobs WHERE id = ?1 AND state <> 3",
		id, &s, err) < 0)
		return -1;
	rc = sealed_open(&job_table, db_col_blob(s, 0), job, err);
	db_reset(s);
	return rc;
}

int queue_read_newest(struct db *db,
	void (*fn)(void *ctx, const struct queue_spec *spec), void *ctx,
	struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"SELECT key, lane, time, event, tag FROM targets", err);
	int rc;

	if (!s)
		return -1;
	while ((rc = db_step(s, err)) > 0) {
		struct queue_spec spec = {
			.target = db_col_str(s, 0),
			.lane = db_col_str(s, 1),
			.time = db_col_i64(s, 2),
			.event = db_col_str(s, 3),
			.tag = db_col_str(s, 4),
			.coalesce = true,
		};

		fn(ctx, &spec);
	}
	return rc;
}

int queue_read_open(struct db *db,
	void (*fn)(void *ctx, const struct queue_spec *spec,
		const struct job *job, const char *damage),
	void *ctx, struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"SELECT id, event, time, enqueued, due, attempt, "
		"state <> 0 OR id IN (SELECT job FROM journal), "
		"target, lane, coalesce, payload, base, approved, "
		"paused, forced, crashes "
		"FROM jobs WHERE state <> 3 ORDER BY seq", err);
	int rc;

	if (!s)
		return -1;
	while ((rc = db_step(s, err)) > 0) {
		struct job job = {0};
		struct err bad;
		struct queue_spec spec = {
			.id = db_col_str(s, 0),
			.event = db_col_str(s, 1),
			.time = db_col_i64(s, 2),
			.enqueued = db_col_i64(s, 3),
			.due = db_col_i64(s, 4),
			.attempt = db_col_i64(s, 5),
			.held = db_col_i64(s, 6) != 0,
			.target = db_col_str(s, 7),
			.lane = db_col_str(s, 8),
			.coalesce = db_col_i64(s, 9) != 0,
			.base = db_col_i64(s, 11),
			.approved = db_col_i64(s, 12) != 0,
			.paused = db_col_i64(s, 13) != 0,
			.forced = db_col_i64(s, 14) != 0,
			.crashes = db_col_i64(s, 15),
		};

		if (sealed_open(&job_table, db_col_blob(s, 10), &job, &bad) <
			0) {
			fn(ctx, &spec, NULL, bad.text);
			continue;
		}
		/* These have a checksum, the columns have none. */
		spec.id = job.id;
		spec.event = job.event.id;
		spec.time = job.event.time;
		spec.tag = job.event.tag;
		fn(ctx, &spec, &job, NULL);
		field_release(&job_table, &job);
	}
	return rc;
}

/* Was it the last row of its job? */
static bool was_last(struct db *db, const char *job, const char *status)
{
	struct db_stmt *s;
	struct err err;

	if (find(db, "SELECT 1 FROM jobs WHERE id = ?1 AND state = 3 "
		"AND status = ?2 AND base = 0", job, status, &s, &err) <= 0)
		return false;
	db_reset(s);
	return true;
}

/* What its id, EVENT/TRIGGER/ATTEMPT/STATUS, still tells. -1: nothing. */
static int damaged_row(struct db *db, const char *id, const char *why,
	struct record *row)
{
	struct str rest = str_from(id), event, trigger, attempt;
	char *job;

	log_error(id, "a row cannot be read: %s", why);
	if (!str_split(&rest, '/', &event) ||
		!str_split(&rest, '/', &trigger) ||
		!str_split(&rest, '/', &attempt) || rest.n == 0)
		return -1;
	row->id = xstrdup(id);
	row->event = xmemdup0(event.p, event.n);
	row->trigger = xmemdup0(trigger.p, trigger.n);
	row->status = xmemdup0(rest.p, rest.n);
	(void)str_to_i64(attempt, &row->attempt);
	row->time = uid_time(row->event);
	job = xprintf("%s/%s", row->event, row->trigger);
	row->final = was_last(db, job, row->status);
	free(job);
	record_reason(row, "the rest of this row was damaged in the queue: %s",
		why);
	return 0;
}

/* What is after seq, its ?1, at most max, its ?2. */
static struct db_stmt *after(struct db *db, const char *sql, int64_t seq,
	int64_t max, struct err *err)
{
	struct db_stmt *s = db_prepare(db, sql, err);

	if (s) {
		db_bind_i64(s, 1, seq);
		db_bind_i64(s, 2, max);
	}
	return s;
}

int queue_read_rows(struct db *db, int64_t seq, int64_t max,
	void (*fn)(void *ctx, int64_t seq, struct record *row), void *ctx,
	struct err *err)
{
	struct db_stmt *s = after(db,
		"SELECT seq, row, id FROM rows WHERE seq > ?1 "
		"ORDER BY seq LIMIT ?2", seq, max, err);
	int rc;

	if (!s)
		return -1;
	while ((rc = db_step(s, err)) > 0) {
		struct record row = {0};
		struct err bad;

		if (sealed_open(&record_table, db_col_blob(s, 1), &row, &bad) <
				0 &&
			damaged_row(db, db_col_str(s, 2), bad.text, &row) < 0)
			continue;
		fn(ctx, db_col_i64(s, 0), &row);
	}
	return rc;
}

int queue_read_notices(struct db *db, int64_t seq, int64_t max,
	void (*fn)(void *ctx, int64_t seq, const struct job *job), void *ctx,
	struct err *err)
{
	struct db_stmt *s = after(db,
		"SELECT seq, payload, id FROM notices WHERE seq > ?1 "
		"ORDER BY seq LIMIT ?2", seq, max, err);
	int rc;

	if (!s)
		return -1;
	while ((rc = db_step(s, err)) > 0) {
		struct job job = {0};
		struct err bad;

		if (sealed_open(&job_table, db_col_blob(s, 1), &job, &bad) <
			0) {
			log_error(db_col_str(s, 2), "a notice cannot be read, "
				"it is left in the queue: %s", bad.text);
			continue;
		}
		fn(ctx, db_col_i64(s, 0), &job);
		field_release(&job_table, &job);
	}
	return rc;
}

int queue_read_notices_n(struct db *db, int64_t *n, struct err *err)
{
	struct db_stmt *s = db_prepare(db, "SELECT count(*) FROM notices", err);

	if (!s || db_step(s, err) < 0)
		return -1;
	*n = db_col_i64(s, 0);
	db_reset(s);
	return 0;
}

int queue_read_receiver(struct db *db, const char *trigger, const char *url,
	struct receiver *r, struct err *err)
{
	struct db_stmt *s;
	int rc;

	*r = (struct receiver){0};
	rc = find(db,
		"SELECT failing_since, probe_at, gone_since FROM receivers "
		"WHERE trigger_name = ?1 AND url = ?2",
		trigger, url, &s, err);
	if (rc <= 0)
		return rc;
	r->failing_since = db_col_i64(s, 0);
	r->probe_at = db_col_i64(s, 1);
	r->gone_since = db_col_i64(s, 2);
	db_reset(s);
	return 0;
}

int queue_read_labels(struct db *db, const char *engine, char **set,
	struct err *err)
{
	struct db_stmt *s;
	int rc;

	*set = NULL;
	rc = find(db,
		"SELECT triggers FROM labels WHERE engine = ?1",
		engine, NULL, &s, err);
	if (rc <= 0)
		return rc;
	*set = xstrdup(db_col_str(s, 0));
	db_reset(s);
	return 0;
}

int queue_read_last(struct db *db, const char *trigger, const char *target,
	struct queue_last *last, struct err *err)
{
	struct db_stmt *s;
	int rc;

	*last = (struct queue_last){0};
	rc = find(db,
		"SELECT tag, digest, version, time FROM last_done "
		"WHERE trigger_name = ?1 AND target = ?2",
		trigger, target, &s, err);
	if (rc <= 0)
		return rc;
	last->tag = xstrdup_null(db_col_str(s, 0));
	last->digest = xstrdup_null(db_col_str(s, 1));
	last->version = xstrdup_null(db_col_str(s, 2));
	last->time = db_col_i64(s, 3);
	db_reset(s);
	return 0;
}

void queue_last_release(struct queue_last *last)
{
	free(last->tag);
	free(last->digest);
	free(last->version);
	*last = (struct queue_last){0};
}

int queue_read_tries(struct db *db, const char *id, int64_t *attempt,
	int64_t *base, struct err *err)
{
	struct db_stmt *s;

	if (find_open(db,
		"SELECT attempt, base FROM jobs WHERE id = ?1 AND state <> 3",
		id, &s, err) < 0)
		return -1;
	*attempt = db_col_i64(s, 0);
	*base = db_col_i64(s, 1);
	db_reset(s);
	return 0;
}

int queue_read_ended(struct db *db, const struct queue_read_filter *f,
	void (*fn)(void *ctx, const char *id), void *ctx, struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"SELECT id FROM jobs WHERE state = 3 "
		"AND trigger_name GLOB coalesce(?1, '*') "
		/* notices by their own names only */
		"AND (trigger_name NOT LIKE 'notify:%' OR ?1 LIKE 'notify:%') "
		"AND (?4 IS NULL OR status = ?4) AND payload IS NOT NULL "
		"AND time BETWEEN ?2 AND ?3 ORDER BY seq", err);
	int rc;

	if (!s)
		return -1;
	db_bind_str(s, 1, f->trigger);
	db_bind_i64(s, 2, f->since);
	db_bind_i64(s, 3, f->until);
	db_bind_str(s, 4, f->status);
	while ((rc = db_step(s, err)) > 0)
		fn(ctx, db_col_str(s, 0));
	return rc;
}

int queue_read_note(struct db *db, const char *id, struct strbuf *note,
	struct err *err)
{
	struct db_stmt *s;
	int rc;

	rc = find(db,
		"SELECT ifnull(note, '') FROM jobs "
		"WHERE id = ?1 AND state <> 3",
		id, NULL, &s, err);
	if (rc <= 0)
		return rc;
	strbuf_add_cstr(note, db_col_str(s, 0));
	db_reset(s);
	return 0;
}

int queue_read_list(struct db *db,
	void (*fn)(void *ctx, const struct queue_read_line *line), void *ctx,
	struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"SELECT target, lane, trigger_name, id, note, state, time, "
		"attempt, due FROM jobs WHERE state <> 3 ORDER BY target, seq",
		err);
	int rc;

	if (!s)
		return -1;
	while ((rc = db_step(s, err)) > 0) {
		struct queue_read_line line = {
			.target = db_col_str(s, 0),
			.lane = db_col_str(s, 1),
			.trigger = db_col_str(s, 2),
			.job = db_col_str(s, 3),
			.note = db_col_str(s, 4),
			.state = (enum queue_state)db_col_i64(s, 5),
			.time = db_col_i64(s, 6),
			.attempt = db_col_i64(s, 7),
			.due = db_col_i64(s, 8),
		};

		fn(ctx, &line);
	}
	return rc;
}
