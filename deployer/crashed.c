#include "deployer/crashed.h"

#include "deployer/attempt.h"
#include "deployer/http/notice.h"
#include "deployer/http/notices.h"
#include "deployer/queue/queue_write.h"
#include "deployer/results.h"
#include "deployer/row.h"
#include "deployer/runner.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

/* ---- on the writer's thread -------------------------------------------------- */

static int run(struct db *db, const char *sql, const char *lane,
	struct err *err)
{
	struct db_stmt *s = db_prepare(db, sql, err);

	if (!s)
		return -1;
	if (lane)
		db_bind_str(s, 1, lane);
	return db_step(s, err) < 0 ? -1 : 0;
}

/* A post is simply repeated: it waits again. A deploy is held until it is
 * recovered; only then can it kill again. */
static int write_count(struct db *db, void *ctx, struct err *err)
{
	bool *unclean = ctx;
	struct db_stmt *s = db_prepare(db, "SELECT 1 FROM driver_kept "
		"WHERE key = 'crashed:runs'", err);
	int rc = s ? db_step(s, err) : -1;

	if (rc < 0)
		return -1;
	*unclean = rc == 1;
	if (rc == 1)
		db_reset(s);
	if (run(db, "INSERT OR REPLACE INTO driver_kept (key, value) "
		"VALUES ('crashed:runs', '1')", NULL, err) < 0)
		return -1;
	return run(db, "UPDATE jobs SET crashes = crashes + 1, state = "
		"CASE WHEN coalesce THEN 2 ELSE 0 END WHERE state = 1", NULL,
		err);
}

static int write_forgive(struct db *db, void *ctx, struct err *err)
{
	(void)ctx;
	if (run(db, "DELETE FROM driver_kept WHERE key = 'crashed:runs'",
		NULL, err) < 0)
		return -1;
	return run(db, "UPDATE jobs SET crashes = crashes - 1 "
		"WHERE state = 1", NULL, err);
}

static int write_recovering(struct db *db, void *ctx, struct err *err)
{
	const struct queue_write *w = ctx;

	return run(db, "UPDATE jobs SET state = 1 WHERE state = 2 "
		"AND lane = ?1", w->lane, err);
}

int crashed_count(struct deployer *d, struct err *err)
{
	return queue_store_sync(d->store, write_count, &d->unclean, err);
}

void crashed_suspect(struct deployer *d, struct queue_spec *spec)
{
	if (!d->unclean || spec->coalesce || spec->due > clock_wall() ||
		d->suspects >= CRASHED_SUSPECTS)
		return;
	d->suspects++;
	if (spec->crashes == 0)
		spec->crashes = 1; /* here, not on disk */
}

void crashed_tick(struct deployer *d)
{
	bool some = false;

	LIST_EACH(&d->attempts, node) {
		struct attempt *a = CONTAINER_OF(node, struct attempt, node);

		if (!a->job->suspect ||
			clock_wall() - a->started < CRASHED_QUICK_MS)
			continue;
		queue_absolve(d->queue, a->job);
		some = true;
	}
	if (some)
		runner_kick(d);
}

void crashed_forgive(struct deployer *d)
{
	queue_store_loose(d->store, write_forgive, NULL);
}

void crashed_recovering(struct deployer *d, const char *lane)
{
	queue_store_loose(d->store, write_recovering, lane);
}

/* ---- the end ------------------------------------------------------------------ */

static void written(void *ctx)
{
	struct deployer *d = ctx;

	results_pump(d->results);
	notices_pump(d->notices);
}

/* EVENT/TRIGGER: all that is known of a job whose copy is damaged. */
static const char *trigger_of(const struct queue_spec *spec)
{
	size_t n = strlen(spec->event);

	return strlen(spec->id) > n ? spec->id + n + 1 : "";
}

bool crashed_end(struct deployer *d, const struct queue_spec *spec,
	const struct job *job, const char *damage)
{
	struct job known = {.id = (char *)(uintptr_t)spec->id,
		.trigger = (char *)(uintptr_t)trigger_of(spec),
		.event = {.id = (char *)(uintptr_t)spec->event}};
	struct record row;
	struct notice_list notices = {0};
	struct queue_store_change c = {.id = spec->id, .state = QUEUE_DONE,
		.attempt = spec->attempt + 1, .now = clock_wall(),
		.row = &row, .notices = &notices};
	struct row_times times = {.event = spec->time,
		.enqueued = spec->enqueued, .ended = c.now};

	if (!damage && spec->crashes < CRASHED_MAX)
		return false;
	if (!job)
		job = &known;
	row_init(&row, job, conf_trigger(d->conf, job->trigger), c.attempt,
		"failed", c.now);
	row.final = spec->base == 0;
	row_durations(&row, &times);
	if (damage)
		record_reason(&row, "%s: push the tag again", damage);
	else
		record_reason(&row, "parked: the deployer died %lld times in a "
			"row while it did this; when the cause is mended, push "
			"the tag again%s", (long long)spec->crashes,
			spec->coalesce ? "; look at the target"
				       : " or have it redelivered");
	log_error(spec->id, "%s", row.reason);
	if (job != &known)
		notice_about(d->conf, job, &row, &notices);
	queue_store_change(d->store, &c, written, d);
	return true;
}
