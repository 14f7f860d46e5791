#include "logger/retention.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define BATCH 500
#define LOOK_MS 60000
#define NEXT_MS 50 /* after a full batch */

struct retention {
	struct loop *loop;
	struct store *store;
	int64_t retain_ms, max_bytes;
	struct loop_timer *timer;
	struct store_prune prune; /* the store's while a batch is under way */
	bool failed;
	struct err err;
	uint64_t pruned;
};

static void look(void *ctx);

static void wait_for_next(struct retention *r, int64_t ms)
{
	r->timer = loop_timer_start(r->loop, ms, 0, look, r);
}

/* On the loop. */
static void batch_over(void *ctx)
{
	struct retention *r = ctx;

	if (r->store == NULL)
		return; /* stopped meanwhile */
	if (r->failed) {
		log_limited(LOG_WARN, "retention", "old rows stay for now: %s",
			r->err.text);
		wait_for_next(r, LOOK_MS);
		return;
	}
	r->pruned += (uint64_t)r->prune.pruned;
	wait_for_next(r, r->prune.pruned == BATCH ? NEXT_MS : LOOK_MS);
}

/* On the store's thread. */
static void batch_done(struct store_prune *prune, const struct err *err)
{
	struct retention *r = CONTAINER_OF(prune, struct retention, prune);

	r->failed = err != NULL;
	if (err != NULL)
		r->err = *err;
	loop_post(r->loop, batch_over, r);
}

static void look(void *ctx)
{
	struct retention *r = ctx;

	r->timer = NULL;
	r->prune = (struct store_prune){
		.before = clock_wall() - r->retain_ms,
		.max_bytes = r->max_bytes,
		.max = BATCH,
		.done = batch_done,
	};
	if (store_prune(r->store, &r->prune) < 0)
		wait_for_next(r, LOOK_MS); /* it has enough to do */
}

struct retention *retention_start(struct loop *l, struct store *s,
	int64_t retain_ms, int64_t max_bytes)
{
	struct retention *r = xcalloc(1, sizeof(*r));

	r->loop = l;
	r->store = s;
	r->retain_ms = retain_ms;
	r->max_bytes = max_bytes;
	wait_for_next(r, NEXT_MS);
	return r;
}

void retention_stop(struct retention *r)
{
	if (r == NULL)
		return;
	loop_timer_cancel(&r->timer);
	r->store = NULL;
}

void retention_free(struct retention *r)
{
	free(r);
}

uint64_t retention_pruned(const struct retention *r)
{
	return r->pruned;
}
