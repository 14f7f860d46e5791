#include "proto/daemon/chan_session.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"

/* An order that a peer has not answered. */
struct asked {
	struct list node;
	int64_t id;
	uint64_t peer; /* the session */
	int64_t due;   /* mono ms */
	chan_answer_fn *fn;
	void *ctx;
};

static struct asked *asked_of(struct list *node)
{
	return CONTAINER_OF(node, struct asked, node);
}

/* ---- asking ---------------------------------------------------------------- */

static bool fits(const struct chan_session *s, const struct chan_order *o)
{
	if (s->id == 0 || s->broken ||
		(o->role != NULL && strcmp(o->role, s->hello.role) != 0) ||
		(o->instance != NULL &&
			strcmp(o->instance, s->hello.instance) != 0))
		return false;
	for (size_t i = 0; o->lane != NULL && i < s->hello.lanes.n; i++) {
		if (strcmp(s->hello.lanes.v[i], o->lane) == 0)
			return true;
	}
	return o->lane == NULL;
}

static int ask_one(struct chan *c, struct chan_session *s,
	struct msg_order *order, int64_t due, struct asked *a)
{
	order->id = a->id = ++c->last_asked;
	a->peer = s->id;
	a->due = due;
	/* A session that breaks by it will say so itself. */
	if (chan_say(c, s, MSG_ORDER, 0, order) != 0 && !s->broken) {
		free(a);
		return -1;
	}
	list_push_back(&c->asked, &a->node);
	c->n_asked++;
	return 0;
}

size_t chan_ask(struct chan *c, const struct chan_order *o,
	chan_answer_fn *fn, void *ctx, struct err *err)
{
	struct msg_order order = {.what = xstrdup(o->what),
		.args = xstrdup_null(o->args), .who = xstrdup_null(o->who)};
	int64_t due = clock_mono() + o->timeout_ms;
	size_t n = 0;

	err_retry(err, "there is nobody connected to ask");
	LIST_EACH(&c->sessions, node) {
		struct chan_session *s =
			CONTAINER_OF(node, struct chan_session, node);
		struct asked *a;

		if (!fits(s, o))
			continue;
		if (c->n_asked >= CHAN_ORDERS_MAX) {
			err_retry(err, "too many orders wait for an answer");
			break;
		}
		a = xcalloc(1, sizeof(*a));
		a->fn = fn;
		a->ctx = ctx;
		if (ask_one(c, s, &order, due, a) == 0)
			n++;
		else
			err_fail(err, "the order is too large to be sent");
	}
	field_release(&order_table, &order);
	if (n > 0)
		chan_poke(c);
	return n;
}

static void end(struct chan *c, struct asked *a,
	const struct msg_answer *answer, const char *why)
{
	const struct chan_session *s = chan_session_by_id(c, a->peer);
	struct chan_peer peer = {.peer = a->peer};

	list_remove(&a->node);
	c->n_asked--;
	if (s != NULL)
		peer = chan_session_peer(s, a->peer);
	a->fn(a->ctx, &peer, answer, why);
	free(a);
}

/* Ends those of the session (peer), or all that are overdue (now). A callback
 * may ask anew: that is not among them. */
static void end_all(struct chan *c, uint64_t peer, int64_t now,
	const char *why)
{
	struct list over;

	list_init(&over);
	LIST_EACH(&c->asked, node) {
		const struct asked *a = asked_of(node);

		if (peer != 0 ? a->peer != peer : a->due > now)
			continue;
		list_remove(node);
		list_push_back(&over, node);
	}
	while (!list_empty(&over))
		end(c, asked_of(over.next), NULL, why);
}

void chan_order_on_answer(struct chan *c, struct chan_session *s,
	const struct msg_answer *answer)
{
	LIST_EACH(&c->asked, node) {
		struct asked *a = asked_of(node);

		if (a->id == answer->id && a->peer == s->id) {
			end(c, a, answer, NULL);
			return;
		}
	}
}

void chan_order_lost(struct chan *c, const struct chan_session *s,
	const char *why)
{
	if (s->id != 0)
		end_all(c, s->id, 0, why);
}

void chan_order_expire(struct chan *c, int64_t now)
{
	end_all(c, 0, now, "it does not answer in time");
}

int64_t chan_order_next_time(const struct chan *c)
{
	int64_t at = INT64_MAX;

	LIST_EACH(&c->asked, node)
		at = asked_of(node)->due < at ? asked_of(node)->due : at;
	return at;
}

/* ---- being asked ------------------------------------------------------------- */

void chan_answer(struct chan *c, const struct chan_asker *to,
	struct msg_answer *a)
{
	struct chan_session *s = chan_session_by_id(c, to->peer);

	if (s == NULL)
		return;
	a->id = to->id;
	field_fit(&answer_table, a);
	(void)chan_say(c, s, MSG_ANSWER, 0, a);
}

void chan_order_on_order(struct chan *c, struct chan_session *s,
	const struct msg_order *order)
{
	const struct chan_asker from = {.peer = s->id, .id = order->id};
	struct msg_answer no = {0};
	char what[64];

	if (c->ops.order != NULL) {
		c->ops.order(c->ctx, &from, order);
		return;
	}
	no.code = xstrdup(ANSWER_UNKNOWN);
	no.text = xprintf("%s has no order `%s`", c->hello.instance,
		str_safe(str_from(order->what), what, sizeof(what)));
	chan_answer(c, &from, &no);
	field_release(&answer_table, &no);
}
