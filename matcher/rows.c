#include "matcher/rows.h"

#include "matcher/outage.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/map.h"
#include "proto/base/mem.h"

struct rows {
	struct outbox *outbox;
	struct map *waiting; /* record id -> struct task_row */
	int64_t silent_ms;
	int64_t heard; /* mono ms: last ACK, or since when a row waits */
	void (*settled)(void *ctx, struct task *t);
	void *ctx;
};

struct rows *rows_open(struct loop *l, const struct outbox_config *c,
	int64_t silent_ms,
	void (*settled)(void *ctx, struct task *t), void *ctx, struct err *err)
{
	struct outbox *outbox = outbox_open(l, c, err);
	struct rows *r;

	if (outbox == NULL)
		return NULL;
	r = xcalloc(1, sizeof(*r));
	r->outbox = outbox;
	r->waiting = map_new();
	r->silent_ms = silent_ms;
	r->settled = settled;
	r->ctx = ctx;
	return r;
}

void rows_close(struct rows *r)
{
	struct str id;
	size_t it = 0;
	void *row;

	if (r == NULL)
		return;
	outbox_close(r->outbox);
	while (map_next(r->waiting, &it, &id, &row)) {
		task_drop_row(row);
		free(row);
	}
	map_free(r->waiting);
	free(r);
}

int64_t rows_away(const struct rows *r, int64_t now)
{
	if (map_len(r->waiting) == 0 || now - r->heard < r->silent_ms)
		return 0;
	return now - r->heard;
}

static void acked(void *ctx, const char *record_id)
{
	struct rows *r = ctx;
	struct task_row *row = map_del(r->waiting, str_from(record_id));
	struct task *t;

	r->heard = clock_mono();
	if (row == NULL)
		return;
	t = row->task;
	task_drop_row(row);
	free(row);
	if (t != NULL)
		r->settled(r->ctx, t);
}

/* Takes over the record. */
static void put(struct rows *r, struct task *t, struct record *record)
{
	struct task_row *row = map_get(r->waiting, str_from(record->id));

	if (row != NULL) {
		field_release(&record_table, record);
		task_drop_row(row);
		task_add_row(t, row);
		return;
	}
	if (map_len(r->waiting) >= ROWS_MAX) {
		field_release(&record_table, record);
		task_miss(t, outage_delay(rows_away(r, clock_mono())),
			"%d rows wait for a logger: no more are taken",
			ROWS_MAX);
		return;
	}
	if (map_len(r->waiting) == 0)
		r->heard = clock_mono();
	row = xcalloc(1, sizeof(*row));
	task_add_row(t, row);
	map_put(r->waiting, str_from(record->id), row);
	outbox_put(r->outbox, record, acked, r);
}

void rows_put(struct rows *r, struct task *t, const struct rule_result *why)
{
	const struct rule *rule = why->rule;
	struct record record = {0};

	record_from_event(&record, &t->event, rule != NULL ? rule->name : NULL,
		0, rule_status(why->verdict), clock_wall());
	record.final = true;
	if (rule != NULL)
		record.target = xstrdup(rule->target);
	record.generation = xstrdup_null(why->set->generation);
	record_reason(&record, "%s", why->reason);
	if (why->verdict == RULE_ERROR)
		log_limited(LOG_ERROR, rule->name, "trigger %s: %s",
			rule->name, why->reason);
	put(r, t, &record);
}

void rows_put_waiting(
	struct rows *r, const struct task_job *j, const char *why)
{
	struct record record = {0};

	record_from_event(&record, &j->task->event, j->rule->name, 0,
		"waiting", clock_wall());
	record.target = xstrdup(j->rule->target);
	record.generation = xstrdup_null(j->job.generation);
	record_reason(&record, "%s", why);
	outbox_put(r->outbox, &record, NULL, NULL);
}

void rows_give_up(struct task *t)
{
	LIST_EACH(&t->rows, node)
		task_drop_row(CONTAINER_OF(node, struct task_row, node));
}

void rows_send_status(struct rows *r, const struct msg_status *s)
{
	outbox_status(r->outbox, s);
}
