/* What happens by itself: silence, HELLO again, the end of a turn. */
#include "proto/daemon/chan_session.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"

static int64_t min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void lose_silent(struct chan *c, int64_t now)
{
	uint64_t id;
	size_t n;

	while ((id = credit_lost_peer(c->books, now)) != 0)
		chan_session_lose(c, chan_session_by_id(c, id),
			"it has been silent too long", now);
	n = credit_expire(c->books, now);
	if (n != 0)
		log_limited(LOG_WARN, c->name,
			"%s: %zu payloads are not answered in time, they are "
			"sent again",
			c->name, n);
}

static void tend(struct chan *c, struct chan_session *s, int64_t now)
{
	if (s->id != 0) {
		if (s->said + CHAN_PING_MS <= now)
			chan_say(c, s, MSG_PING, 0, &(struct msg_empty){0});
	} else if (s->hello_since + c->lost_ms <= now) {
		chan_session_lose(c, s, "it does not answer", now);
	} else if (s->hello_due <= now) {
		chan_session_say_hello(c, s, now);
	}
}

/* What this turn has brought leaves: answers first, they bring credit. */
static void work(struct chan *c, int64_t now)
{
	LIST_EACH(&c->sessions, node) {
		struct chan_session *s = chan_session_of(node);

		if (s->id != 0 && !c->sends)
			chan_recv_answer(c, s);
		if (s->broken)
			chan_session_lose(c, s, "cannot be reached", now);
	}
	chan_send_ready(c, now);
	chan_arm(c, now);
}

static void on_soon(void *ctx)
{
	struct chan *c = ctx;

	c->soon = NULL;
	work(c, clock_mono());
}

void chan_poke(struct chan *c)
{
	if (c->soon == NULL)
		c->soon = loop_timer_start(c->loop, 0, 0, on_soon, c);
}

static void on_timer(void *ctx)
{
	struct chan *c = ctx;
	int64_t now = clock_mono();

	c->timer = NULL;
	lose_silent(c, now);
	chan_order_expire(c, now);
	LIST_EACH(&c->sessions, node)
		tend(c, chan_session_of(node), now);
	work(c, now);
}

/* While there is a peer, that is within a second. */
void chan_arm(struct chan *c, int64_t now)
{
	int64_t at = min_i64(credit_next_time(c->books),
		chan_order_next_time(c));

	LIST_EACH(&c->sessions, node) {
		const struct chan_session *s = chan_session_of(node);

		if (s->id != 0)
			at = min_i64(at, s->said + CHAN_PING_MS);
		else
			at = min_i64(at, s->hello_due);
	}
	if (c->timer != NULL && c->timer_at <= at)
		return;
	loop_timer_cancel(&c->timer);
	if (at == INT64_MAX)
		return;
	c->timer_at = at;
	c->timer = loop_timer_start(c->loop, at > now ? at - now : 1, 0,
		on_timer, c);
}
