#include "deployer/queue/queue_store.h"

#include "deployer/queue/journal.h"
#include "deployer/queue/queue_schema.h"
#include "deployer/queue/queue_write.h"
#include "deployer/queue/sealed.h"
#include "proto/base/mem.h"

#define AGAIN_MS 1000

struct queue_store {
	struct loop *loop;
	struct db_writer *writer;
	struct db *reader; /* the loop's */
	struct journal_db journal;
	void (*trouble)(void *ctx, const struct err *err);
	void *ctx;
	bool troubled;
	struct list under_way; /* struct queue_write */
	struct list failed;    /* struct queue_write, to be put again */
	struct loop_timer *again;
	size_t pending;
};

/* ---- to the writer and back ------------------------------------------------ */

static void write_put(struct queue_write *w);

static void write_again(void *ctx)
{
	struct queue_store *s = ctx;
	struct list batch, *node;

	s->again = NULL;
	list_init(&batch);
	while ((node = list_pop_front(&s->failed)))
		list_push_back(&batch, node);
	while ((node = list_pop_front(&batch)))
		write_put(CONTAINER_OF(node, struct queue_write, node));
}

static void tell_trouble(struct queue_store *s, const struct err *err)
{
	if (!err && !s->troubled)
		return;
	s->troubled = err != NULL;
	s->trouble(s->ctx, err);
}

static void write_done(void *ctx)
{
	struct queue_write *w = ctx;
	struct queue_store *s = w->s;

	list_remove(&w->node);
	tell_trouble(s, w->failed ? &w->err : NULL);
	if (w->on_arrival) {
		w->on_arrival(w->ctx, w->known,
			w->err.cls != ERR_NONE ? &w->err : NULL);
	} else if (w->failed) {
		list_push_back(&s->failed, &w->node);
		if (!s->again)
			s->again = loop_timer_start(
				s->loop, AGAIN_MS, 0, write_again, s);
		return;
	} else {
		w->on_change(w->ctx);
	}
	s->pending--;
	queue_write_free(w);
}

/* Writer's thread. */
static void write_committed(void *ctx, const struct err *err)
{
	struct queue_write *w = ctx;

	if (w->loose) {
		queue_write_free(w);
		return;
	}
	w->failed = err != NULL;
	if (err)
		w->err = *err;
	loop_post(w->s->loop, write_done, w);
}

static void write_put(struct queue_write *w)
{
	struct db_write write = {
		.apply = w->apply, .done = write_committed, .ctx = w};
	struct err full;

	if (!w->loose)
		list_push_back(&w->s->under_way, &w->node);
	if (db_writer_put(w->s->writer, &write) == 0)
		return;
	err_retry(&full, "the queue's database does not keep up");
	write_committed(w, &full);
}

/* ---- verbs -------------------------------------------------------------------- */

static void take_notices(struct queue_write *w, struct notice_list *list)
{
	if (!list)
		return;
	w->notices = *list;
	*list = (struct notice_list){0};
	for (size_t i = 0; i < w->notices.list.n; i++)
		sealed_close(&w->notices.list.v[i].payload);
}

void queue_store_arrive(struct queue_store *s,
	const struct queue_store_arrival *a,
	void (*done)(void *ctx, bool known, const struct err *err), void *ctx)
{
	struct queue_write *w = queue_write_new(queue_write_arrive, a->job->id);
	const struct event *e = &a->job->event;
	struct err err;

	w->s = s;
	w->state = a->refused ? QUEUE_DONE : QUEUE_WAITING;
	w->now = a->now;
	w->due = a->due;
	w->trigger = xstrdup(a->job->trigger);
	w->target = xstrdup(a->target);
	w->lane = xstrdup(a->job->lane);
	w->event = xstrdup(e->id);
	w->tag = xstrdup(e->tag);
	w->time = e->time;
	w->again = e->again;
	w->coalesce = a->coalesce;
	w->forced = a->forced;
	if (field_pack(&job_table, a->job, &w->payload, &err) < 0)
		BUG("job %s: %s", a->job->id, err.text);
	sealed_close(&w->payload);
	queue_write_row(w, a->refused);
	take_notices(w, a->notices);
	w->on_arrival = done;
	w->ctx = ctx;
	s->pending++;
	write_put(w);
}

static void set_done(struct queue_write *w, const struct queue_store_change *c)
{
	const struct event *e = &c->did->event;
	const char *found = c->row ? c->row->to_digest : NULL;

	w->trigger = xstrdup(c->did->trigger);
	w->target = xstrdup(c->target);
	w->tag = xstrdup(e->tag);
	w->digest = xstrdup_null(e->digest ? e->digest : found);
	w->version = xstrdup_null(c->did->version);
}

void queue_store_change(struct queue_store *s,
	const struct queue_store_change *c, void (*done)(void *ctx), void *ctx)
{
	struct queue_write *w = queue_write_new(queue_write_change, c->id);

	w->s = s;
	w->state = c->state;
	w->attempt = c->attempt;
	w->due = c->due;
	w->now = c->now;
	w->unsettled = c->unsettled;
	if (c->did)
		set_done(w, c);
	queue_write_row(w, c->row);
	if (!c->row)
		w->note = xstrdup_null(c->note);
	take_notices(w, c->notices);
	w->on_change = done;
	w->ctx = ctx;
	s->pending++;
	write_put(w);
}

static struct queue_write *loose_new(struct queue_store *s,
	int (*apply)(struct db *db, void *ctx, struct err *err), const char *id)
{
	struct queue_write *w = queue_write_new(apply, id);

	w->s = s;
	w->loose = true;
	return w;
}

int queue_store_sync(struct queue_store *s,
	int (*apply)(struct db *db, void *ctx, struct err *err), void *ctx,
	struct err *err)
{
	struct db_write write = {.apply = apply, .ctx = ctx};

	return db_writer_sync(s->writer, &write, err);
}

void queue_store_loose(struct queue_store *s,
	int (*apply)(struct db *db, void *ctx, struct err *err),
	const char *lane)
{
	struct queue_write *w = loose_new(s, apply, NULL);

	w->lane = xstrdup_null(lane);
	write_put(w);
}

void queue_store_running(struct queue_store *s, const char *id, bool wait)
{
	struct queue_write *w = loose_new(s, queue_write_running, id);
	struct err err = {0};

	if (!wait) {
		write_put(w);
		return;
	}
	if (queue_store_sync(s, queue_write_running, w, &err) < 0)
		tell_trouble(s, &err);
	queue_write_free(w);
}

void queue_store_progress(struct queue_store *s, const char *id,
	const char *text)
{
	struct queue_write *w = loose_new(s, queue_write_progress, id);

	w->note = xstrdup(text);
	write_put(w);
}

void queue_store_mark(struct queue_store *s, const char *id,
	const struct queue_store_marks *marks, void (*done)(void *ctx),
	void (*drop)(void *ctx), void *ctx)
{
	struct queue_write *w = queue_write_new(queue_write_mark, id);

	w->marks = *marks;
	w->s = s;
	w->on_change = done;
	w->drop = drop;
	w->ctx = ctx;
	s->pending++;
	write_put(w);
}

void queue_store_notice_done(struct queue_store *s, const char *id)
{
	write_put(loose_new(s, queue_write_notice_done, id));
}

void queue_store_labels(struct queue_store *s, const char *engine,
	const char *set)
{
	struct queue_write *w = loose_new(s, queue_write_labels, NULL);

	w->lane = xstrdup(engine);
	w->note = xstrdup(set);
	write_put(w);
}

void queue_store_row_done(struct queue_store *s, const char *id)
{
	write_put(loose_new(s, queue_write_row_done, id));
}

void queue_store_receiver(struct queue_store *s, const char *trigger,
	const char *url, const struct receiver *r)
{
	struct queue_write *w = loose_new(s, queue_write_receiver, NULL);

	w->trigger = xstrdup(trigger);
	w->url = xstrdup(url);
	w->receiver = *r;
	write_put(w);
}

void queue_store_reopen(struct queue_store *s, const char *id, int64_t now,
	struct queue_reopened *to,
	void (*done)(void *ctx, bool nothing, const struct err *err),
	void *ctx)
{
	struct queue_write *w = queue_write_new(queue_write_reopen, id);

	w->s = s;
	w->reopened = to;
	w->now = now;
	w->on_arrival = done;
	w->ctx = ctx;
	s->pending++;
	write_put(w);
}

void queue_store_prune(struct queue_store *s, int64_t deploys_before,
	int64_t notifications_before)
{
	struct queue_write *w = loose_new(s, queue_write_prune, NULL);

	w->now = deploys_before;
	w->due = notifications_before;
	write_put(w);
}

/* ---- life ---------------------------------------------------------------------- */

struct queue_store *queue_store_open(struct loop *l, const char *path,
	void (*trouble)(void *ctx, const struct err *err), void *ctx,
	struct err *err)
{
	struct queue_store *s = xcalloc(1, sizeof(*s));

	s->loop = l;
	s->trouble = trouble;
	s->ctx = ctx;
	list_init(&s->under_way);
	list_init(&s->failed);
	s->writer = db_writer_start(path, &queue_schema, err);
	if (!s->writer)
		goto fail;
	s->reader = db_open(path, &queue_schema, true, err);
	if (!s->reader)
		goto fail;
	journal_init(&s->journal, s->writer);
	return s;
fail:
	queue_store_close(s);
	return NULL;
}

void queue_store_close(struct queue_store *s)
{
	struct list *node;

	if (!s)
		return;
	/* The writer last: who closes last, and may write, tidies the log. */
	db_close(s->reader);
	if (s->writer)
		db_writer_stop(s->writer);
	loop_timer_cancel(&s->again);
	while ((node = list_pop_front(&s->under_way)) ||
		(node = list_pop_front(&s->failed))) {
		struct queue_write *w =
			CONTAINER_OF(node, struct queue_write, node);

		if (w->drop)
			w->drop(w->ctx);
		queue_write_free(w);
	}
	free(s);
}

struct db *queue_store_reader(struct queue_store *s)
{
	return s->reader;
}

struct journal *queue_store_journal(struct queue_store *s)
{
	return &s->journal.journal;
}

size_t queue_store_pending(const struct queue_store *s)
{
	return s->pending;
}
