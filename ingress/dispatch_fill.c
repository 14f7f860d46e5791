/* The window of events in memory, filled from the disk. */
#include "ingress/dispatch_inside.h"

#include "ingress/parked.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"

#define CHUNK 500 /* events read from disk in one turn of the loop */

struct filling {
	struct dispatch *d;
	size_t n;
};

static void load_row(void *ctx, struct spool_row *row)
{
	struct filling *f = ctx;

	if (!row->damage) {
		dispatch_item_send(f->d,
			dispatch_item_new(&row->event, row->seq));
		f->n++;
		return;
	}
	parked_damaged(&f->d->c, row);
	marks_add(f->d->marks, row->seq, row->damage);
}

struct dispatch_room dispatch_room(struct dispatch *d)
{
	struct dispatch_room r;

	pthread_mutex_lock(&d->lock);
	r.loaded = d->loaded;
	r.tail = d->tail;
	r.disk = d->loaded < d->tail && d->held + CHUNK <= DISPATCH_WINDOW;
	r.full = d->loaded < d->tail && !r.disk;
	r.aside = d->held < DISPATCH_WINDOW / 2;
	pthread_mutex_unlock(&d->lock);
	return r;
}

void dispatch_poke(struct dispatch *d)
{
	struct dispatch_room r = dispatch_room(d);
	bool post = false;

	if (r.disk || (r.aside && aside_due(&d->aside, clock_mono()))) {
		pthread_mutex_lock(&d->lock);
		post = !d->posted;
		d->posted = true;
		pthread_mutex_unlock(&d->lock);
	}
	if (post)
		loop_post(d->c.loop, dispatch_take_inbox, d);
}

/* Reads up to limit events into memory; how far, as seq. */
static int64_t load(struct dispatch *d, int64_t after, int64_t upto,
	size_t limit, bool from_tail)
{
	struct filling f = {.d = d};
	struct err err = {0};
	int64_t last = after;

	if (spool_reader_load(d->c.reader, after, upto, limit, load_row, &f,
		&last, &err) < 0)
		log_limited(LOG_ERROR, "spool-read", "the spool cannot be "
			"read: %s", err.text);
	pthread_mutex_lock(&d->lock);
	if (from_tail)
		d->loaded = last;
	d->held += f.n;
	pthread_mutex_unlock(&d->lock);
	return last;
}

void dispatch_refill(struct dispatch *d)
{
	struct dispatch_room r = dispatch_room(d);
	int64_t now = clock_mono(), seq;
	bool moved = false;

	if (d->draining)
		return;
	/* While loaded < tail, nobody else changes loaded. */
	if (r.disk)
		moved = load(d, r.loaded, r.tail, CHUNK, true) > r.loaded;
	for (int i = 0; i < CHUNK && dispatch_room(d).aside &&
		(seq = aside_due(&d->aside, now)); i++) {
		if (load(d, seq - 1, seq, 1, false) != seq)
			break;
		aside_pop(&d->aside);
		moved = true;
	}
	if (moved)
		dispatch_poke(d);
}
