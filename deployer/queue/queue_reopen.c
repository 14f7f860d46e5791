/* An ended job that waits again. What it is read from is read in the same
 * transaction: a job that is open on disk can also be begun. */
#include "deployer/queue/queue_write.h"

#include "deployer/queue/sealed.h"

void queue_reopened_release(struct queue_reopened *r)
{
	field_release(&job_table, &r->job);
}

/* known: it is not ended, or not here any more, or (then w->err says why) its
 * copy cannot be read. */
static int read_ended(struct db *db, struct queue_write *w, struct err *err)
{
	struct db_stmt *s = db_prepare(db, "SELECT payload, max(attempt, 1) "
		"FROM jobs WHERE id = ?1 AND state = 3 "
		"AND payload IS NOT NULL", err);
	int rc;

	if (!s)
		return -1;
	db_bind_str(s, 1, w->id);
	rc = db_step(s, err);
	if (rc < 0)
		return -1;
	w->known = rc == 0;
	if (rc == 0)
		return 0;
	queue_reopened_release(w->reopened);
	w->err = (struct err){0};
	w->known = sealed_open(&job_table, db_col_blob(s, 0),
			&w->reopened->job, &w->err) < 0;
	w->reopened->tries = db_col_i64(s, 1);
	db_reset(s);
	return 0;
}

int queue_write_reopen(struct db *db, void *ctx, struct err *err)
{
	struct queue_write *w = ctx;
	struct db_stmt *s;

	if (read_ended(db, w, err) < 0)
		return -1;
	if (w->known)
		return 0;
	/* base is not 0 from here on: the final row was written. */
	s = db_prepare(db,
		"UPDATE jobs SET state = 0, attempt = ?3, base = ?3, due = 0, "
		"enqueued = ?2, ended = NULL, note = NULL, paused = 0, "
		"forced = coalesce WHERE id = ?1", err);
	if (!s)
		return -1;
	db_bind_str(s, 1, w->id);
	db_bind_i64(s, 2, w->now);
	db_bind_i64(s, 3, w->reopened->tries);
	return db_step(s, err) < 0 ? -1 : 0;
}
