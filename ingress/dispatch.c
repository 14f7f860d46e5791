#include "ingress/dispatch.h"

#include "ingress/dispatch_inside.h"
#include "ingress/parked.h"
#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define ASIDE_MS 10000

/* ---- items --------------------------------------------------------------- */

struct dispatch_item *dispatch_item_new(struct event *e, int64_t seq)
{
	struct dispatch_item *it = xcalloc(1, sizeof(*it));

	it->event = *e;
	memset(e, 0, sizeof(*e));
	it->seq = seq;
	it->chan.type = MSG_EVENT;
	it->chan.body = &it->event;
	return it;
}

static void item_free(struct dispatch_item *it)
{
	field_release(&event_table, &it->event);
	free(it);
}

void dispatch_item_send(struct dispatch *d, struct dispatch_item *it)
{
	list_push_back(&d->items, &it->node);
	chan_put(d->chan, &it->chan);
}

/* Forgets it here; it stays pending in the spool unless it was marked. */
static void item_drop(struct dispatch *d, struct dispatch_item *it)
{
	list_remove(&it->node);
	item_free(it);
	pthread_mutex_lock(&d->lock);
	d->held--;
	pthread_mutex_unlock(&d->lock);
}

/* ---- from the writer's thread -------------------------------------------- */

void dispatch_take_inbox(void *ctx)
{
	struct dispatch *d = ctx;
	struct list fresh, *node;

	list_init(&fresh);
	pthread_mutex_lock(&d->lock);
	d->posted = false;
	while (!d->draining && (node = list_pop_front(&d->inbox)))
		list_push_back(&fresh, node);
	pthread_mutex_unlock(&d->lock);
	while ((node = list_pop_front(&fresh)))
		dispatch_item_send(d, CONTAINER_OF(node, struct dispatch_item, node));
	dispatch_refill(d);
}

void dispatch_accept(struct dispatch *d, struct event *e, int64_t seq)
{
	bool post, keep;

	pthread_mutex_lock(&d->lock);
	keep = d->tail == d->loaded && d->held < DISPATCH_WINDOW && !d->closed;
	if (keep) {
		list_push_back(&d->inbox, &dispatch_item_new(e, seq)->node);
		d->held++;
		d->loaded = seq;
	}
	d->tail = seq;
	d->pending++;
	post = !d->posted && !d->closed;
	d->posted |= post;
	pthread_mutex_unlock(&d->lock);
	if (!keep)
		field_release(&event_table, e);
	if (post)
		loop_post(d->c.loop, dispatch_take_inbox, d);
}

/* ---- what the channel says ----------------------------------------------- */

static void on_marked(void *ctx, size_t n)
{
	struct dispatch *d = ctx;

	pthread_mutex_lock(&d->lock);
	d->pending -= (int64_t)n;
	pthread_mutex_unlock(&d->lock);
}

static void on_acked(void *ctx, struct chan_item *ci)
{
	struct dispatch *d = ctx;
	struct dispatch_item *it = CONTAINER_OF(ci, struct dispatch_item, chan);

	marks_add(d->marks, it->seq, NULL);
	item_drop(d, it);
	dispatch_poke(d);
}

static void on_nacked(void *ctx, struct chan_item *ci, const char *reason)
{
	struct dispatch *d = ctx;
	struct dispatch_item *it = CONTAINER_OF(ci, struct dispatch_item, chan);

	log_limited(LOG_WARN, "nack", "a matcher did not take event %s: %s",
		it->event.id, reason ? reason : "no reason given");
	if (!d->draining && !dispatch_room(d).full)
		return;
	if (!d->draining)
		aside_add(&d->aside, it->seq, clock_mono() + d->c.aside_ms);
	chan_remove(d->chan, ci);
	item_drop(d, it);
	dispatch_poke(d);
}

static void on_died(void *ctx, struct chan_item *ci)
{
	struct dispatch *d = ctx;
	struct dispatch_item *it = CONTAINER_OF(ci, struct dispatch_item, chan);

	const char *why = parked_after(&d->c, &it->event, ci->credit.deaths);

	if (!why)
		return;
	marks_add(d->marks, it->seq, why);
	chan_remove(d->chan, ci);
	item_drop(d, it);
	dispatch_poke(d);
}

static void on_sent(void *ctx, struct chan_item *ci)
{
	(void)ctx;
	(void)ci;
	(void)FAIL_POINT("ingress.leased");
}

static const struct chan_ops ops = {
	.acked = on_acked,
	.nacked = on_nacked,
	.died = on_died,
	.sent = on_sent,
};

/* ---- life ---------------------------------------------------------------- */

struct dispatch *dispatch_open(const struct dispatch_config *c,
	struct err *err)
{
	struct dispatch *d = xcalloc(1, sizeof(*d));
	struct chan_config cc = {
		.name = "ingress>matcher",
		.sends = true,
		.bind = c->link,
		.role = "ingress",
		.instance = c->instance,
		.expect_role = "matcher",
		.link = c->options,
		.limits = {.isolate = true},
	};

	d->c = *c;
	if (!d->c.aside_ms)
		d->c.aside_ms = ASIDE_MS;
	pthread_mutex_init(&d->lock, NULL);
	list_init(&d->inbox);
	list_init(&d->items);
	d->tail = spool_reader_newest(c->reader);
	d->pending = spool_reader_pending(c->reader);
	d->marks = marks_new(c->loop, c->spool, on_marked, d);
	d->chan = chan_open(c->loop, &cc, &ops, d, err);
	if (!d->chan) {
		dispatch_free(d);
		return NULL;
	}
	parked_tell_again(&d->c);
	dispatch_refill(d);
	return d;
}

void dispatch_close(struct dispatch *d)
{
	if (!d || !d->chan)
		return;
	pthread_mutex_lock(&d->lock);
	d->closed = true;
	pthread_mutex_unlock(&d->lock);
	marks_close(d->marks);
	chan_close(d->chan);
	d->chan = NULL;
}

void dispatch_free(struct dispatch *d)
{
	if (!d)
		return;
	dispatch_close(d);
	LIST_EACH(&d->items, node)
		item_free(CONTAINER_OF(node, struct dispatch_item, node));
	LIST_EACH(&d->inbox, fresh)
		item_free(CONTAINER_OF(fresh, struct dispatch_item, node));
	marks_free(d->marks);
	aside_release(&d->aside);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

void dispatch_tick(struct dispatch *d)
{
	marks_tick(d->marks);
	dispatch_refill(d);
}

void dispatch_drain(struct dispatch *d)
{
	d->draining = true;
	LIST_EACH(&d->items, node) {
		struct dispatch_item *it = CONTAINER_OF(node, struct dispatch_item, node);

		if (it->chan.credit.lease)
			continue;
		chan_remove(d->chan, &it->chan);
		item_drop(d, it);
	}
}

bool dispatch_drained(const struct dispatch *d)
{
	return chan_in_flight(d->chan) == 0 && marks_len(d->marks) == 0;
}

void dispatch_again(struct dispatch *d, int64_t seq)
{
	bool loaded;

	pthread_mutex_lock(&d->lock);
	d->pending++;
	loaded = seq <= d->loaded;
	pthread_mutex_unlock(&d->lock);
	/* Else it comes from the disk with its neighbours. */
	if (loaded)
		aside_add(&d->aside, seq, clock_mono());
	dispatch_poke(d);
}

size_t dispatch_matchers(const struct dispatch *d)
{
	return chan_peers(d->chan);
}

size_t dispatch_in_flight(const struct dispatch *d)
{
	return chan_in_flight(d->chan);
}

int64_t dispatch_oldest(struct dispatch *d, int64_t now)
{
	int64_t time = dispatch_pending(d) > 0
		? spool_reader_oldest(d->c.reader) : 0;

	return time > 0 && time < now ? now - time : 0;
}

int64_t dispatch_pending(struct dispatch *d)
{
	int64_t n;

	pthread_mutex_lock(&d->lock);
	n = d->pending;
	pthread_mutex_unlock(&d->lock);
	return n;
}
