#include "deployer/queue/queue_write.h"

#include "deployer/queue/sealed.h"
#include "proto/base/fail.h"
#include "proto/base/mem.h"

struct queue_write *queue_write_new(
	int (*apply)(struct db *db, void *ctx, struct err *err), const char *id)
{
	struct queue_write *w = xcalloc(1, sizeof(*w));

	w->apply = apply;
	w->id = xstrdup_null(id);
	return w;
}

void queue_write_free(struct queue_write *w)
{
	free(w->id);
	free(w->note);
	free(w->trigger);
	free(w->target);
	free(w->lane);
	free(w->event);
	free(w->tag);
	free(w->row_id);
	free(w->url);
	free(w->status);
	free(w->digest);
	free(w->version);
	strbuf_release(&w->payload);
	strbuf_release(&w->row);
	notice_release(&w->notices);
	free(w);
}

void queue_write_row(struct queue_write *w, struct record *row)
{
	struct err err;

	if (!row)
		return;
	field_fit(&record_table, row);
	if (field_pack(&record_table, row, &w->row, &err) < 0)
		BUG("row %s: %s", row->id, err.text);
	sealed_close(&w->row);
	w->row_id = xstrdup(row->id);
	w->status = xstrdup(row->status);
	w->ended_badly = record_is_failure(row->status);
	w->note = xstrdup_null(row->reason);
	field_release(&record_table, row);
}

/* ---- on the writer's thread ---------------------------------------------- */

static int finish(struct db_stmt *s, struct err *err)
{
	return db_step(s, err) < 0 ? -1 : 0;
}

/* The statement with its job bound; the caller steps it. */
static struct db_stmt *about(struct db *db, const char *sql,
	const struct queue_write *w, struct err *err)
{
	struct db_stmt *s = db_prepare(db, sql, err);

	if (s)
		db_bind_str(s, 1, w->id);
	return s;
}

static int insert_row(struct db *db, const struct queue_write *w, struct err *err)
{
	struct db_stmt *s;

	if (!w->row_id)
		return 0;
	s = db_prepare(db,
		"INSERT OR IGNORE INTO rows (id, row) VALUES (?1, ?2)", err);
	if (!s)
		return -1;
	db_bind_str(s, 1, w->row_id);
	db_bind_blob(s, 2, strbuf_str(&w->row));
	return finish(s, err);
}

static int insert_notices(struct db *db, const struct queue_write *w,
	struct err *err)
{
	for (size_t i = 0; i < w->notices.list.n; i++) {
		const struct notice *n = &w->notices.list.v[i];
		struct db_stmt *s = db_prepare(db,
			"INSERT OR IGNORE INTO notices (id, payload) "
			"VALUES (?1, ?2)", err);

		if (!s)
			return -1;
		db_bind_str(s, 1, n->id);
		db_bind_blob(s, 2, strbuf_str(&n->payload));
		if (finish(s, err) < 0)
			return -1;
	}
	return 0;
}

static int insert_newest(struct db *db, const struct queue_write *w, struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"INSERT INTO targets (key, lane, time, event, tag) "
		"VALUES (?1, ?2, ?3, ?4, ?5) "
		"ON CONFLICT (key) DO UPDATE SET lane = ?2, time = ?3, "
		"event = ?4, tag = ?5 "
		"WHERE (?3, ?4) > (time, event)", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, w->target);
	db_bind_str(s, 2, w->lane);
	db_bind_i64(s, 3, w->time);
	db_bind_str(s, 4, w->event);
	db_bind_str(s, 5, w->tag);
	return finish(s, err);
}

/* queue.repeat is the mutation that the tests must catch: no id is known. */
static int forget_repeat(struct db *db, const struct queue_write *w,
	struct err *err)
{
	struct db_stmt *s;

	if (!FAIL_POINT("queue.repeat"))
		return 0;
	s = about(db, "DELETE FROM jobs WHERE id = ?1", w, err);
	return s ? finish(s, err) : -1;
}

/* Its sender has sent it again: if it ended in failure, it waits as it came
 * now; its tries go on counting. known says whether not. */
static int arm_again(struct db *db, struct queue_write *w, struct err *err)
{
	struct db_stmt *s = about(db,
		"UPDATE jobs SET state = 0, attempt = max(attempt, 1), "
		"base = max(attempt, 1), due = 0, enqueued = ?7, "
		"ended = NULL, note = NULL, failed = 0, approved = 0, "
		"paused = 0, forced = 0, again = ?2, payload = ?3, "
		"target = ?4, lane = ?5, coalesce = ?6 "
		"WHERE id = ?1 AND state = 3 AND failed AND again < ?2",
		w, err);

	if (!s)
		return -1;
	db_bind_i64(s, 2, w->again);
	db_bind_blob(s, 3, strbuf_str(&w->payload));
	db_bind_str(s, 4, w->target);
	db_bind_str(s, 5, w->lane);
	db_bind_i64(s, 6, w->coalesce);
	db_bind_i64(s, 7, w->now);
	if (finish(s, err) < 0)
		return -1;
	w->known = db_changes(db) == 0;
	return 0;
}

int queue_write_arrive(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s = db_prepare(db,
		"INSERT OR IGNORE INTO jobs (id, state, trigger_name, target, "
		"lane, coalesce, time, event, payload, enqueued, ended, note, "
		"due, status, failed, again, forced) VALUES (?1, ?2, ?3, ?4, "
		"?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
		err);
	bool waits = w->state == QUEUE_WAITING;

	if (!s || forget_repeat(db, w, err) < 0)
		return -1;
	db_bind_str(s, 1, w->id);
	db_bind_i64(s, 2, w->state);
	db_bind_str(s, 3, w->trigger);
	db_bind_str(s, 4, w->target);
	db_bind_str(s, 5, w->lane);
	db_bind_i64(s, 6, w->coalesce);
	db_bind_i64(s, 7, w->time);
	db_bind_str(s, 8, w->event);
	db_bind_blob(s, 9, strbuf_str(&w->payload));
	db_bind_i64(s, 10, w->now);
	if (!waits)
		db_bind_i64(s, 11, w->now);
	db_bind_str(s, 12, w->note);
	db_bind_i64(s, 13, w->due);
	db_bind_str(s, 14, w->status);
	db_bind_i64(s, 15, w->ended_badly);
	db_bind_i64(s, 16, w->again);
	db_bind_i64(s, 17, w->forced);
	if (finish(s, err) < 0)
		return -1;
	w->known = db_changes(db) == 0;
	if (w->known && waits && w->again && arm_again(db, w, err) < 0)
		return -1;
	if (w->known)
		return 0;
	if (waits && w->coalesce && insert_newest(db, w, err) < 0)
		return -1;
	return insert_row(db, w, err) < 0 ? -1 : insert_notices(db, w, err);
}

static int insert_done(struct db *db, const struct queue_write *w,
	struct err *err)
{
	struct db_stmt *s = db_prepare(db,
		"INSERT OR REPLACE INTO last_done (trigger_name, target, tag, "
		"digest, version, time) VALUES (?1, ?2, ?3, ?4, ?5, ?6)", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, w->trigger);
	db_bind_str(s, 2, w->target);
	db_bind_str(s, 3, w->tag);
	db_bind_str(s, 4, w->digest);
	db_bind_str(s, 5, w->version);
	db_bind_i64(s, 6, w->now);
	return finish(s, err);
}

int queue_write_change(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s = db_prepare(db,
		"UPDATE jobs SET state = ?2, attempt = ?3, due = ?4, "
		"note = ?5, ended = CASE ?2 WHEN 3 THEN ?6 END, "
		"status = coalesce(?7, status), failed = ?8, crashes = 0 "
		"WHERE id = ?1 AND state <> 3", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, w->id);
	db_bind_i64(s, 2, w->state);
	db_bind_i64(s, 3, w->attempt);
	db_bind_i64(s, 4, w->due);
	db_bind_str(s, 5, w->note);
	db_bind_i64(s, 6, w->now);
	db_bind_str(s, 7, w->status);
	db_bind_i64(s, 8, w->ended_badly);
	if (finish(s, err) < 0)
		return -1;
	/* It has ended before: that row is its last. queue.final is the mutation
	 * that the tests must catch. */
	if (db_changes(db) == 0 && !FAIL_POINT("queue.final"))
		return 0;
	if (w->state == QUEUE_DONE && !w->unsettled) {
		s = about(db, "DELETE FROM journal WHERE job = ?1", w, err);
		if (!s || finish(s, err) < 0)
			return -1;
	}
	if (w->trigger && insert_done(db, w, err) < 0)
		return -1;
	return insert_row(db, w, err) < 0 ? -1 : insert_notices(db, w, err);
}

int queue_write_running(struct db *db, void *ctx, struct err *err)
{
	struct db_stmt *s = about(db,
		"UPDATE jobs SET state = 1, note = NULL "
		"WHERE id = ?1 AND state <> 3", ctx, err);

	return s ? finish(s, err) : -1;
}

int queue_write_progress(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s = about(db,
		"UPDATE jobs SET note = ?2 WHERE id = ?1 AND state <> 3", w,
		err);

	if (!s)
		return -1;
	db_bind_str(s, 2, w->note);
	return finish(s, err);
}

int queue_write_row_done(struct db *db, void *ctx, struct err *err)
{
	struct db_stmt *s =
		about(db, "DELETE FROM rows WHERE id = ?1", ctx, err);

	return s ? finish(s, err) : -1;
}

int queue_write_notice_done(struct db *db, void *ctx, struct err *err)
{
	struct db_stmt *s =
		about(db, "DELETE FROM notices WHERE id = ?1", ctx, err);

	return s ? finish(s, err) : -1;
}

int queue_write_prune(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s = db_prepare(db,
		"DELETE FROM jobs WHERE state = 3 AND ended < "
		"CASE WHEN coalesce THEN ?1 ELSE ?2 END", err);

	if (!s)
		return -1;
	db_bind_i64(s, 1, w->now);
	db_bind_i64(s, 2, w->due);
	return finish(s, err);
}

int queue_write_receiver(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s = db_prepare(db,
		"INSERT OR REPLACE INTO receivers (trigger_name, url, "
		"failing_since, probe_at, gone_since) "
		"VALUES (?1, ?2, ?3, ?4, ?5)", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, w->trigger);
	db_bind_str(s, 2, w->url);
	db_bind_i64(s, 3, w->receiver.failing_since);
	db_bind_i64(s, 4, w->receiver.probe_at);
	db_bind_i64(s, 5, w->receiver.gone_since);
	return finish(s, err);
}

/* NULL: as it is. */
static void bind_mark(struct db_stmt *s, int i, enum queue_store_mark mark)
{
	if (mark != QUEUE_STORE_AS_IT_IS)
		db_bind_i64(s, i, mark == QUEUE_STORE_SET);
}

int queue_write_mark(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s = about(db,
		"UPDATE jobs SET approved = coalesce(?2, approved), "
		"paused = coalesce(?3, paused), "
		"forced = coalesce(?4, forced), "
		/* What it waits for is asked anew, also after a crash. */
		"due = CASE state WHEN 0 THEN 0 ELSE due END "
		"WHERE id = ?1 AND state <> 3", w, err);

	if (!s)
		return -1;
	bind_mark(s, 2, w->marks.approved);
	bind_mark(s, 3, w->marks.paused);
	bind_mark(s, 4, w->marks.forced);
	return finish(s, err);
}

int queue_write_labels(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s = db_prepare(db,
		"INSERT OR REPLACE INTO labels (engine, triggers) "
		"VALUES (?1, ?2)", err);

	if (!s)
		return -1;
	db_bind_str(s, 1, w->lane);
	db_bind_str(s, 2, w->note);
	return finish(s, err);
}
