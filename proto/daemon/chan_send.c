#include "proto/daemon/chan_session.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"

/* Before an item that cannot be packed is tried again. */
#define UNPACKABLE_MS 60000

static struct chan_item *item_of(struct credit_item *it)
{
	return CONTAINER_OF(it, struct chan_item, credit);
}

void chan_put(struct chan *c, struct chan_item *item)
{
	credit_put(c->books, &item->credit);
	chan_poke(c);
}

void chan_remove(struct chan *c, struct chan_item *item)
{
	credit_remove(c->books, &item->credit);
}

bool chan_has_lane(const struct chan *c, const char *lane)
{
	return credit_has_lane(c->books, lane);
}

size_t chan_peers(const struct chan *c)
{
	return credit_peers(c->books);
}

size_t chan_in_flight(const struct chan *c)
{
	return credit_in_flight(c->books);
}

size_t chan_ready(const struct chan *c)
{
	return credit_ready(c->books);
}

/* It would be refused at every send: the lease is taken back, so that the
 * session has no gap, and the owner may end it. */
static void unpackable(struct chan *c, struct chan_item *item,
	const char *why, int64_t now)
{
	log_limited(LOG_ERROR, c->name, "%s: cannot be sent: %s", c->name,
		why);
	credit_cancel(c->books, &item->credit, UNPACKABLE_MS, now);
	if (c->ops.nacked != NULL)
		c->ops.nacked(c->ctx, item, why);
}

void chan_send_ready(struct chan *c, int64_t now)
{
	struct credit_item *it;

	while ((it = credit_next(c->books, now)) != NULL) {
		struct chan_item *item = item_of(it);
		struct chan_session *s = chan_session_by_id(c, it->peer);
		struct err err;

		strbuf_truncate(&c->scratch, 0);
		if (msg_pack(item->type, it->lease, item->body, &c->scratch,
			    &err) != 0) {
			unpackable(c, item, err.text, now);
		} else if (link_send(c->link, s->link,
				   strbuf_str(&c->scratch)) != 0) {
			chan_session_lose(c, s, "cannot be reached", now);
		} else {
			s->said = now;
			if (c->ops.sent != NULL)
				c->ops.sent(c->ctx, item);
		}
	}
}

void chan_send_on_ack(struct chan *c, struct chan_session *s,
	const struct msg_ack *ack)
{
	struct credit_item *it;

	credit_peer_granted(c->books, s->id, ack->credit);
	while ((it = credit_ack_range(c->books, s->id, ack->from,
			ack->upto)) != NULL)
		c->ops.acked(c->ctx, item_of(it));
	for (size_t i = 0; i < ack->leases.n; i++) {
		it = credit_ack(c->books, s->id, ack->leases.v[i]);
		if (it != NULL)
			c->ops.acked(c->ctx, item_of(it));
	}
	chan_poke(c);
}

void chan_send_on_nack(struct chan *c, struct chan_session *s,
	const struct msg_nack *nack, int64_t now)
{
	struct credit_item *it = credit_nack(c->books, s->id, nack->lease,
		nack->delay_ms, now);

	if (it != NULL && c->ops.nacked != NULL)
		c->ops.nacked(c->ctx, item_of(it), nack->reason);
	chan_poke(c);
}

void chan_send_triggers(struct chan *c, uint64_t peer,
	const struct msg_triggers *t)
{
	LIST_EACH(&c->sessions, node) {
		struct chan_session *s =
			CONTAINER_OF(node, struct chan_session, node);

		if (s->id != 0 && (peer == 0 || s->id == peer) &&
			strcmp(s->hello.role, "matcher") == 0)
			chan_say(c, s, MSG_TRIGGERS, 0, t);
	}
}

void chan_send_status(struct chan *c, const struct msg_status *status)
{
	LIST_EACH(&c->sessions, node) {
		struct chan_session *s =
			CONTAINER_OF(node, struct chan_session, node);

		if (s->id != 0)
			chan_say(c, s, MSG_STATUS, 0, status);
	}
}
