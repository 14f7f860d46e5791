#include "proto/daemon/chan.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/daemon/chan_session.h"

#define WINDOW 16
#define LOST_MS 5000
#define LINGER_MS 500
/* Credit bounds what is under way, so only a peer that is stuck fills this. */
#define HWM (2 * CREDIT_MAX_FLIGHT)

/* ---- saying -------------------------------------------------------------- */

int chan_say(struct chan *c, struct chan_session *s, enum msg_type type,
	int64_t lease, const void *body)
{
	struct err err;

	if (s->broken)
		return -1;
	strbuf_truncate(&c->scratch, 0);
	if (msg_pack(type, lease, body, &c->scratch, &err) != 0) {
		log_limited(LOG_ERROR, c->name, "%s: cannot be sent: %s",
			c->name, err.text);
		return -1;
	}
	s->said = clock_mono();
	if (link_send(c->link, s->link, strbuf_str(&c->scratch)) == 0)
		return 0;
	s->broken = true;
	chan_poke(c);
	return -1;
}

/* To a peer without a session, once. Without one the link need not know it
 * either. */
static void answer_stranger(struct chan *c, link_peer peer, enum msg_type type,
	const void *body)
{
	struct err err;

	strbuf_truncate(&c->scratch, 0);
	if (msg_pack(type, 0, body, &c->scratch, &err) == 0)
		(void)link_send(c->link, peer, strbuf_str(&c->scratch));
	link_drop(c->link, peer);
}

void chan_refuse(struct chan *c, link_peer peer, const char *name,
	const char *text)
{
	struct chan_session *s = chan_session_by_link(c, peer);
	struct msg_error error = {.text = xstrdup(text)};

	log_limited(LOG_WARN, name, "%s: refused from %s: %s", c->name, name,
		text);
	field_fit(&error_table, &error);
	/* Only one end tells the other, so they cannot go on for ever. */
	if (c->binds && s != NULL)
		chan_say(c, s, MSG_ERROR, 0, &error);
	else if (c->binds)
		answer_stranger(c, peer, MSG_ERROR, &error);
	free(error.text);
}

/* ---- hearing ------------------------------------------------------------- */

static void on_up(void *ctx, link_peer peer, const char *address)
{
	struct chan *c = ctx;
	int64_t now = clock_mono();
	struct chan_session *s = chan_session_by_link(c, peer);

	if (s == NULL) {
		s = chan_session_new(c, peer, address, now);
	} else {
		chan_session_end(c, s, "it was connected anew", now);
		s->broken = false;
		s->hello_since = s->hello_due = now;
		s->number = 0;
	}
	chan_arm(c, now);
}

static void on_down(void *ctx, link_peer peer)
{
	struct chan *c = ctx;
	struct chan_session *s = chan_session_by_link(c, peer);

	if (s == NULL)
		return;
	chan_session_end(c, s, "the connection is lost", clock_mono());
	chan_session_free(s);
}

/* A RESET while HELLO is unanswered is about what was sent before it. */
static void on_reset(struct chan *c, struct chan_session *s, int64_t now)
{
	if (c->binds || s == NULL || s->id == 0)
		return;
	chan_session_end(c, s, "it has started anew", now);
	chan_session_say_hello(c, s, now);
}

static void on_bye(struct chan *c, struct chan_session *s, int64_t now)
{
	s->bye = true;
	if (c->binds)
		chan_session_lose(c, s, "it says BYE", now);
	else
		chan_session_end(c, s, "it says BYE", now);
}

static void on_triggers(struct chan *c, const struct chan_session *s,
	const struct msg_triggers *t)
{
	struct chan_peer peer = chan_session_peer(s, s->id);

	c->ops.triggers(c->ctx, &peer, t);
}

/* What only means something within a session. s may be freed by this. */
static void on_session(struct chan *c, struct chan_session *s,
	const struct msg *m, int64_t now)
{
	if (m->type == MSG_PING)
		return;
	if (m->type == MSG_BYE)
		on_bye(c, s, now);
	else if (m->type == MSG_STATUS && c->ops.status != NULL)
		c->ops.status(c->ctx, &m->u.status);
	else if (m->type == MSG_TRIGGERS && c->ops.triggers != NULL)
		on_triggers(c, s, &m->u.triggers);
	else if (m->type == MSG_ORDER)
		chan_order_on_order(c, s, &m->u.order);
	else if (m->type == MSG_ANSWER)
		chan_order_on_answer(c, s, &m->u.answer);
	else if (m->type == MSG_CREDIT && c->sends)
		credit_peer_granted(c->books, s->id, m->u.credit.total);
	else if (m->type == MSG_ACK && c->sends)
		chan_send_on_ack(c, s, &m->u.ack);
	else if (m->type == MSG_NACK && c->sends)
		chan_send_on_nack(c, s, &m->u.nack, now);
	else if (msg_type_is_payload(m->type) && !c->sends)
		chan_recv_payload(c, s, m, now);
	else
		chan_refuse(c, s->link, s->name,
			"a message that this end does not expect");
	chan_poke(c);
}

static void on_good(struct chan *c, link_peer peer, const struct msg *m,
	int64_t now)
{
	struct chan_session *s = chan_session_by_link(c, peer);
	char safe[512];

	if (m->type == MSG_HELLO)
		chan_session_hello(c, peer, &m->u.hello, now);
	else if (m->type == MSG_RESET)
		on_reset(c, s, now);
	else if (m->type == MSG_ERROR)
		log_limited(LOG_WARN, c->name, "%s: %s says: %s", c->name,
			s != NULL ? s->name : "a peer",
			str_safe(str_from(m->u.error.text), safe,
				sizeof(safe)));
	else if (s != NULL && s->id != 0)
		on_session(c, s, m, now);
	else if (c->binds)
		answer_stranger(c, peer, MSG_RESET, &(struct msg_empty){0});
}

/* Envelope or body cannot be read; a payload's lease perhaps can. */
static void on_bad(struct chan *c, link_peer peer, const struct msg *m,
	const char *why, int64_t now)
{
	struct chan_session *s = chan_session_by_link(c, peer);
	bool payload = msg_type_is_payload(m->type) && m->lease > 0;

	chan_refuse(c, peer, s != NULL ? s->name : c->name, why);
	if (s != NULL && s->id != 0 && payload && !c->sends)
		chan_recv_unreadable(c, s, m->lease, why, now);
}

static void on_message(void *ctx, link_peer peer, struct str bytes)
{
	struct chan *c = ctx;
	struct chan_session *s = chan_session_by_link(c, peer);
	int64_t now = clock_mono();
	struct msg m = {0};
	struct err err = {0};

	if (s != NULL)
		credit_peer_heard(c->books, s->id, now);
	if (msg_unpack(bytes, &m, &err) == 0) {
		on_good(c, peer, &m, now);
		msg_release(&m);
	} else {
		on_bad(c, peer, &m, err.text, now);
	}
	chan_arm(c, now);
}

static const struct link_events events = {on_up, on_down, on_message};

/* ---- life ---------------------------------------------------------------- */

static void copy_config(struct chan *c, const struct chan_config *config)
{
	c->name = xstrdup(config->name);
	c->expect_role = xstrdup_null(config->expect_role);
	c->expect_also = xstrdup_null(config->expect_also);
	c->sends = config->sends;
	c->binds = config->bind != NULL;
	c->window = config->window > 0 ? config->window : WINDOW;
	if (c->window > CREDIT_MAX_FLIGHT)
		c->window = CREDIT_MAX_FLIGHT;
	c->lost_ms = config->limits.lost_ms > 0 ? config->limits.lost_ms :
						  LOST_MS;
	c->hello.role = xstrdup(config->role);
	c->hello.instance = xstrdup(config->instance);
	c->hello.version = xstrdup(PULLWIRE_VERSION);
	c->hello.lanes.v = xcalloc(config->n_lanes + 1, sizeof(char *));
	for (; c->hello.lanes.n < config->n_lanes; c->hello.lanes.n++)
		c->hello.lanes.v[c->hello.lanes.n] =
			xstrdup(config->lanes[c->hello.lanes.n]);
}

static void chan_free(struct chan *c)
{
	loop_timer_cancel(&c->soon);
	loop_timer_cancel(&c->timer);
	while (!list_empty(&c->sessions))
		chan_session_free(chan_session_of(c->sessions.next));
	credit_free(c->books);
	field_release(&hello_table, &c->hello);
	strbuf_release(&c->scratch);
	free(c->expect_role);
	free(c->expect_also);
	free(c->name);
	free(c);
}

struct chan *chan_open(struct loop *l, const struct chan_config *config,
	const struct chan_ops *ops, void *ctx, struct err *err)
{
	struct chan *c = xcalloc(1, sizeof(*c));
	struct link_options opt = config->link;

	c->loop = l;
	c->ops = *ops;
	c->ctx = ctx;
	c->books = credit_new(&config->limits);
	list_init(&c->sessions);
	list_init(&c->asked);
	copy_config(c, config);
	if (opt.max_message == 0)
		opt.max_message = MSG_MAX;
	if (opt.hwm == 0)
		opt.hwm = HWM;
	/* With keys, the other end's is the one of the role it must have. */
	if (opt.server_role == NULL)
		opt.server_role = config->expect_role;
	if (config->bind != NULL)
		c->link = link_bind(l, config->bind, &opt, &events, c, err);
	else
		c->link = link_connect(l, config->connect, config->n_connect,
			&opt, &events, c, err);
	if (c->link == NULL) {
		chan_free(c);
		return NULL;
	}
	return c;
}

void chan_close(struct chan *c)
{
	if (c == NULL)
		return;
	LIST_EACH(&c->sessions, node) {
		struct chan_session *s = chan_session_of(node);

		if (s->id == 0)
			continue;
		chan_order_lost(c, s, "this end is closing");
		if (!c->sends)
			chan_recv_answer(c, s);
		chan_say(c, s, MSG_BYE, 0, &(struct msg_empty){0});
	}
	link_close(c->link, LINGER_MS);
	chan_free(c);
}
