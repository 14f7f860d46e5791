#include "logger/intake.h"

#include "proto/base/clock.h"
#include "proto/base/fail.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

#define WINDOW 1024    /* records under way, for each sender */
#define AGAIN_MS 1000  /* then a record that was given back comes again */
#define FAULT_MS 10000 /* a fault is over when none came for so long */

struct intake {
	struct loop *loop;
	struct store *store;
	struct output *output;
	struct processes *processes;
	struct chan *chan; /* NULL after intake_close() */
	struct list under_way; /* struct item */
	struct err fault;
	int64_t fault_at; /* mono ms; 0: none yet */
};

/* One record between its delivery and its answer. The store's from put to
 * done, the loop's before and after. */
struct item {
	struct store_put put;
	struct list node;
	struct intake *in;
	struct chan_from from;
	struct err err; /* of the store */
};

static void item_free(struct item *it)
{
	list_remove(&it->node);
	field_release(&record_table, &it->put.record);
	free(it);
}

static void refuse(struct intake *in, const struct chan_from *from,
	const struct err *err)
{
	metric_add(METRIC_ROWS_REFUSED, NULL, NULL, 1);
	in->fault = *err;
	in->fault_at = clock_mono();
	log_limited(LOG_ERROR, "store", "rows are given back to their "
		"senders: %s", err->text);
	if (in->chan != NULL)
		chan_nack(in->chan, from, AGAIN_MS, err->text);
}

static void count(const struct item *it)
{
	const struct record *r = &it->put.record;

	if (it->put.outcome == STORE_REPEATED)
		metric_add(METRIC_ROWS_REPEATED, NULL, NULL, 1);
	else
		metric_add(METRIC_ROWS, r->trigger, r->status, 1);
	if (it->put.outcome == STORE_EXTRA_FINAL) {
		metric_add(METRIC_ROWS_EXTRA_FINAL, NULL, NULL, 1);
		log_warn(r->event, "a second final row: %s from %s is stored "
			"as not final", r->id, r->instance ? r->instance : "?");
	}
}

/* On the loop. */
static void answer(void *ctx)
{
	struct item *it = ctx;
	struct intake *in = it->in;

	if (it->err.cls != ERR_NONE) {
		refuse(in, &it->from, &it->err);
	} else {
		in->fault_at = 0; /* it takes rows */
		count(it);
		if (in->chan != NULL)
			chan_ack(in->chan, &it->from);
	}
	item_free(it);
}

/* On the store's thread. A row is printed when it is on disk, not before,
 * and once. */
static void stored(struct store_put *put, const struct err *err)
{
	struct item *it = CONTAINER_OF(put, struct item, put);

	if (err != NULL) {
		it->err = *err;
	} else {
		(void)FAIL_POINT("logger.committed");
		if (put->outcome != STORE_REPEATED)
			output_row(it->in->output, &put->record);
	}
	loop_post(it->in->loop, answer, it);
}

static void deliver(void *ctx, const struct chan_from *from,
	const struct msg *msg)
{
	static const struct err full = {.cls = ERR_RETRY,
		.text = "too many rows wait for the store"};
	struct intake *in = ctx;
	struct item *it;

	if (msg->type != MSG_RECORD) {
		log_limited(LOG_WARN, "intake type", "a logger takes records "
			"only, not a %s", msg_type_name(msg->type));
		chan_nack(in->chan, from, 60000, "a logger takes records only");
		return;
	}
	it = xcalloc(1, sizeof(*it));
	it->in = in;
	it->from = *from;
	it->put.done = stored;
	field_copy(&record_table, &it->put.record, &msg->u.record);
	list_push_back(&in->under_way, &it->node);
	if (store_put(in->store, &it->put) < 0) {
		refuse(in, from, &full);
		item_free(it);
	}
}

static void peer(void *ctx, const struct chan_peer *p, bool up)
{
	struct intake *in = ctx;

	if (up)
		processes_up(in->processes, p->role, p->instance);
	else
		processes_down(in->processes, p->role, p->instance, p->bye);
}

static void status(void *ctx, const struct msg_status *s)
{
	struct intake *in = ctx;

	processes_status(in->processes, s, clock_mono(), clock_wall());
}

struct intake *intake_open(const struct intake_config *c, struct err *err)
{
	static const struct chan_ops ops = {
		.deliver = deliver, .peer = peer, .status = status};
	const struct chan_config cc = {
		.name = "*>logger", .bind = c->bind, .role = "logger",
		.instance = c->instance, .window = WINDOW, .link = c->link};
	struct intake *in = xcalloc(1, sizeof(*in));

	in->loop = c->loop;
	in->store = c->store;
	in->output = c->output;
	in->processes = c->processes;
	list_init(&in->under_way);
	in->chan = chan_open(c->loop, &cc, &ops, in, err);
	if (in->chan != NULL)
		return in;
	free(in);
	return NULL;
}

void intake_drain(struct intake *in)
{
	chan_pause(in->chan, true);
}

bool intake_drained(const struct intake *in)
{
	return list_empty(&in->under_way);
}

void intake_close(struct intake *in)
{
	if (in == NULL)
		return;
	chan_close(in->chan);
	in->chan = NULL;
}

void intake_free(struct intake *in)
{
	if (in == NULL)
		return;
	/* Stored or not, nobody was told: they come again. */
	LIST_EACH(&in->under_way, node)
		item_free(CONTAINER_OF(node, struct item, node));
	free(in);
}

size_t intake_ask(struct intake *in, const struct chan_order *o,
	chan_answer_fn *fn, void *ctx, struct err *err)
{
	if (in->chan != NULL)
		return chan_ask(in->chan, o, fn, ctx, err);
	err_retry(err, "the link is closed");
	return 0;
}

int intake_check(const struct intake *in, int64_t now, struct err *err)
{
	if (in->fault_at == 0 || now - in->fault_at > FAULT_MS)
		return 0;
	*err = in->fault;
	return -1;
}
