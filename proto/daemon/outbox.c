#include "proto/daemon/outbox.h"

#include <pthread.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"
#include "proto/io/loop_drop.h"

#define MAX_OBSERVATIONS 10000

struct row {
	struct list node;
	struct chan_item item;
	struct record record;
	bool observation;
	void (*acked)(void *ctx, const char *record_id); /* NULL: nobody */
	void *ctx;
};

struct outbox {
	struct loop *loop;
	struct chan *chan; /* NULL after the close */
	char *instance;
	void (*order)(void *ctx, const struct chan_asker *from,
		const struct msg_order *order);
	void *ctx; /* order's */
	struct list rows;
	size_t n_rows, n_observations, max_observations;

	pthread_mutex_t lock; /* guards these: */
	struct list inbox;    /* rows on their way from other threads */
	size_t n_inbox;
	bool posted; /* take_inbox() is on its way */
	uint64_t dropped;
};

/* Takes over *r, made fit to be sent. */
static struct row *row_new(const struct outbox *o, struct record *r)
{
	struct row *row = xcalloc(1, sizeof(*row));

	row->record = *r;
	*r = (struct record){0};
	if (row->record.instance == NULL)
		row->record.instance = xstrdup(o->instance);
	field_fit(&record_table, &row->record);
	row->item.type = MSG_RECORD;
	row->item.body = &row->record;
	return row;
}

static void row_free(struct row *row)
{
	list_remove(&row->node);
	field_release(&record_table, &row->record);
	free(row);
}

static void rows_free(struct list *rows)
{
	while (!list_empty(rows))
		row_free(CONTAINER_OF(rows->next, struct row, node));
}

static void on_acked(void *ctx, struct chan_item *item)
{
	struct outbox *o = ctx;
	struct row *row = CONTAINER_OF(item, struct row, item);

	if (row->acked != NULL)
		row->acked(row->ctx, row->record.id);
	o->n_rows--;
	o->n_observations -= row->observation;
	row_free(row);
}

static void on_nacked(void *ctx, struct chan_item *item, const char *reason)
{
	const struct outbox *o = ctx;
	const struct row *row = CONTAINER_OF(item, struct row, item);
	char safe[256];

	log_limited(LOG_WARN, o->instance,
		"row %s is not taken, it is sent again later: %s",
		row->record.id,
		str_safe(str_from(reason), safe, sizeof(safe)));
}

static void on_order(void *ctx, const struct chan_asker *from,
	const struct msg_order *order)
{
	const struct outbox *o = ctx;

	o->order(o->ctx, from, order);
}

struct outbox *outbox_open(struct loop *l, const struct outbox_config *c,
	struct err *err)
{
	const struct chan_ops ops = {
		.acked = on_acked,
		.nacked = on_nacked,
		.order = c->order != NULL ? on_order : NULL,
	};
	struct outbox *o = xcalloc(1, sizeof(*o));
	char *name = xprintf("%s>logger", c->role);
	struct chan_config chan = {
		.name = name,
		.sends = true,
		.connect = c->logger,
		.n_connect = c->n_logger,
		.role = c->role,
		.instance = c->instance,
		.lanes = c->lanes,
		.n_lanes = c->n_lanes,
		.expect_role = "logger",
		.link = c->link,
	};

	o->loop = l;
	o->instance = xstrdup(c->instance);
	o->order = c->order;
	o->ctx = c->ctx;
	o->max_observations = c->max_observations != 0 ? c->max_observations :
							 MAX_OBSERVATIONS;
	list_init(&o->rows);
	list_init(&o->inbox);
	pthread_mutex_init(&o->lock, NULL);
	o->chan = chan_open(l, &chan, &ops, o, err);
	free(name);
	if (o->chan == NULL) {
		outbox_close(o);
		return NULL;
	}
	return o;
}

static void outbox_free(struct outbox *o)
{
	pthread_mutex_destroy(&o->lock);
	free(o);
}

void outbox_close(struct outbox *o)
{
	if (o == NULL)
		return;
	chan_close(o->chan);
	o->chan = NULL;
	rows_free(&o->rows);
	rows_free(&o->inbox);
	free_null(&o->instance);
	if (!o->posted)
		outbox_free(o); /* else the post does, the last to know */
}

/* Thread-safe; takes over *r. */
static void drop(struct outbox *o, struct record *r)
{
	uint64_t n;

	pthread_mutex_lock(&o->lock);
	n = ++o->dropped;
	pthread_mutex_unlock(&o->lock);
	metric_add(METRIC_OUTBOX_DROPPED, NULL, NULL, 1);
	log_limited(LOG_ERROR, "outbox",
		"the loggers do not keep up: %llu rows of the access log are "
		"dropped so far",
		(unsigned long long)n);
	field_release(&record_table, r);
}

static void send_row(struct outbox *o, struct row *row)
{
	list_push_back(&o->rows, &row->node);
	o->n_rows++;
	o->n_observations += row->observation;
	chan_put(o->chan, &row->item);
}

void outbox_put(struct outbox *o, struct record *r,
	void (*acked)(void *ctx, const char *record_id), void *ctx)
{
	bool observation = acked == NULL;
	struct row *row;

	if (observation && o->n_observations >= o->max_observations) {
		drop(o, r);
		return;
	}
	row = row_new(o, r);
	row->observation = observation;
	row->acked = acked;
	row->ctx = ctx;
	send_row(o, row);
}

static void take_inbox(void *ctx)
{
	struct outbox *o = ctx;
	struct list fresh, *node;

	if (o->chan == NULL) {
		outbox_free(o);
		return;
	}
	list_init(&fresh);
	pthread_mutex_lock(&o->lock);
	o->posted = false;
	o->n_inbox = 0;
	while ((node = list_pop_front(&o->inbox)) != NULL)
		list_push_back(&fresh, node);
	pthread_mutex_unlock(&o->lock);
	while ((node = list_pop_front(&fresh)) != NULL) {
		struct row *row = CONTAINER_OF(node, struct row, node);

		if (o->n_observations < o->max_observations) {
			send_row(o, row);
		} else {
			drop(o, &row->record);
			free(row);
		}
	}
}

/* In place of take_inbox(): the loop has ended, and outbox_close() was before
 * that. */
static void inbox_dropped(void *ctx)
{
	outbox_free(ctx);
}

void outbox_observe(struct outbox *o, struct record *r)
{
	struct row *row = NULL;
	bool post;

	/* Bounded on the way, too: the loop may be slow. */
	pthread_mutex_lock(&o->lock);
	if (o->n_inbox < o->max_observations) {
		row = row_new(o, r);
		row->observation = true;
		list_push_back(&o->inbox, &row->node);
		o->n_inbox++;
	}
	post = row != NULL && !o->posted;
	o->posted |= post;
	pthread_mutex_unlock(&o->lock);
	if (row == NULL)
		drop(o, r);
	if (post)
		loop_drop_post(o->loop, take_inbox, inbox_dropped, o);
}

void outbox_status(struct outbox *o, const struct msg_status *s)
{
	chan_send_status(o->chan, s);
	metric_set(METRIC_OUTBOX, NULL, NULL, (int64_t)o->n_rows);
}

void outbox_answer(struct outbox *o, const struct chan_asker *to,
	struct msg_answer *a)
{
	chan_answer(o->chan, to, a);
}

void outbox_forget(struct outbox *o, void *ctx)
{
	LIST_EACH(&o->rows, node) {
		struct row *row = CONTAINER_OF(node, struct row, node);

		if (row->ctx == ctx)
			row->acked = NULL;
	}
}

size_t outbox_waiting(const struct outbox *o)
{
	return o->n_rows;
}

uint64_t outbox_dropped(struct outbox *o)
{
	uint64_t n;

	pthread_mutex_lock(&o->lock);
	n = o->dropped;
	pthread_mutex_unlock(&o->lock);
	return n;
}
