#include "deployer/results.h"

#include "deployer/queue/queue_read.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define WINDOW 256 /* rows in memory */

struct results {
	struct queue_store *store;
	struct outbox *outbox;
	int64_t last; /* sequence number of the last row handed on */
	size_t window; /* rows handed on, not acknowledged */
};

static void acked(void *ctx, const char *record_id)
{
	struct results *r = ctx;

	r->window--;
	queue_store_row_done(r->store, record_id);
	if (r->window < WINDOW / 2)
		results_pump(r);
}

static void hand_on(void *ctx, int64_t seq, struct record *row)
{
	struct results *r = ctx;

	r->last = seq;
	r->window++;
	outbox_put(r->outbox, row, acked, r);
}

void results_pump(struct results *r)
{
	struct err err;

	if (r->window >= WINDOW)
		return;
	if (queue_read_rows(queue_store_reader(r->store), r->last,
		    (int64_t)(WINDOW - r->window), hand_on, r, &err) < 0)
		log_limited(LOG_ERROR, "rows", "cannot be read: %s", err.text);
}

struct results *results_new(struct queue_store *store, struct outbox *outbox)
{
	struct results *r = xcalloc(1, sizeof(*r));

	r->store = store;
	r->outbox = outbox;
	return r;
}

void results_free(struct results *r)
{
	if (!r)
		return;
	outbox_forget(r->outbox, r);
	free(r);
}
