#include "proto/daemon/chan_session.h"

#include "proto/base/enc.h"
#include "proto/base/log.h"
#include "proto/base/metrics.h"

#define MAX_SESSIONS 1000 /* at a binding end */

struct chan_session *chan_session_by_link(const struct chan *c, link_peer peer)
{
	LIST_EACH(&c->sessions, node) {
		if (chan_session_of(node)->link == peer)
			return chan_session_of(node);
	}
	return NULL;
}

struct chan_session *chan_session_by_id(const struct chan *c, uint64_t id)
{
	LIST_EACH(&c->sessions, node) {
		if (id != 0 && chan_session_of(node)->id == id)
			return chan_session_of(node);
	}
	return NULL;
}

static char *printable(const char *text)
{
	char safe[256];

	return xstrdup(str_safe(str_from(text), safe, sizeof(safe)));
}

struct chan_session *chan_session_new(struct chan *c, link_peer peer,
	const char *address, int64_t now)
{
	struct chan_session *s = xcalloc(1, sizeof(*s));

	s->link = peer;
	s->name = printable(address);
	s->hello_since = s->hello_due = now;
	list_push_back(&c->sessions, &s->node);
	return s;
}

void chan_session_free(struct chan_session *s)
{
	list_remove(&s->node);
	field_release(&hello_table, &s->hello);
	chan_recv_forget(s);
	free(s->name);
	free(s);
}

struct chan_peer chan_session_peer(const struct chan_session *s, uint64_t id)
{
	return (struct chan_peer){
		.peer = id,
		.role = s->hello.role,
		.instance = s->hello.instance,
		.version = s->hello.version,
		.lanes = &s->hello.lanes,
		.bye = s->bye,
	};
}

static void tell_owner(struct chan *c, const struct chan_session *s,
	uint64_t id, bool up)
{
	struct chan_peer peer = chan_session_peer(s, id);

	metric_set(METRIC_LINK_PEERS, c->name, NULL,
		(int64_t)credit_peers(c->books));
	if (c->ops.peer != NULL)
		c->ops.peer(c->ctx, &peer, up);
}

void chan_session_say_hello(struct chan *c, struct chan_session *s,
	int64_t now)
{
	if (s->number == 0) {
		enc_random(&s->number, sizeof(s->number));
		s->number &= INT64_MAX;
		s->hello_since = now;
	}
	s->hello_due = now + CHAN_HELLO_MS;
	c->hello.session = s->number;
	chan_say(c, s, MSG_HELLO, 0, &c->hello);
	/* Not yet connected, perhaps: it is said again. */
	s->broken = false;
}

/* The binding end's answer, and the receiver's first words. */
static void greet(struct chan *c, struct chan_session *s)
{
	if (c->binds) {
		c->hello.session = s->number;
		chan_say(c, s, MSG_HELLO, 0, &c->hello);
	}
	if (!c->sends) {
		if (s->granted != 0)
			chan_say(c, s, MSG_CREDIT, 0,
				&(struct msg_credit){s->granted});
		chan_recv_answer(c, s);
	}
}

static void start(struct chan *c, struct chan_session *s,
	const struct msg_hello *hello, int64_t now)
{
	s->id = ++c->last_id;
	s->number = hello->session;
	field_copy(&hello_table, &s->hello, hello);
	free(s->name);
	s->name = printable(hello->instance);
	credit_peer_up(c->books, s->id, hello->instance,
		(const char *const *)hello->lanes.v, hello->lanes.n, now);
	log_info(s->name, "%s: connected", c->name);
	greet(c, s);
	tell_owner(c, s, s->id, true);
	chan_poke(c);
}

void chan_session_end(struct chan *c, struct chan_session *s, const char *why,
	int64_t now)
{
	struct credit_item *killer = NULL;
	uint64_t id = s->id;

	if (id == 0)
		return;
	log_info(s->name, "%s: disconnected: %s", c->name, why);
	chan_order_lost(c, s, why);
	s->id = 0;
	chan_recv_forget(s);
	if (!s->bye)
		killer = credit_peer_died(c->books, id);
	credit_peer_down(c->books, id);
	if (killer != NULL && c->ops.died != NULL)
		c->ops.died(c->ctx,
			CONTAINER_OF(killer, struct chan_item, credit));
	tell_owner(c, s, id, false);
	s->bye = false;
	field_release(&hello_table, &s->hello);
	s->number = 0;
	s->hello_since = now;
	s->hello_due = now + CHAN_HELLO_MS;
	chan_poke(c);
}

void chan_session_lose(struct chan *c, struct chan_session *s,
	const char *why, int64_t now)
{
	link_peer peer = s->link;

	chan_session_end(c, s, why, now);
	chan_session_free(s);
	link_drop(c->link, peer);
}

/* ---- HELLO --------------------------------------------------------------- */

static bool welcome(struct chan *c, link_peer peer,
	const struct msg_hello *hello)
{
	char text[256], *name;

	if (c->expect_role == NULL || strcmp(hello->role, c->expect_role) == 0)
		return true;
	if (c->expect_also != NULL && strcmp(hello->role, c->expect_also) == 0)
		return true;
	snprintf(text, sizeof(text), "a %s is expected here, not a %s",
		c->expect_role, hello->role);
	name = printable(hello->instance);
	chan_refuse(c, peer, name, text);
	free(name);
	return false;
}

/* A new number is a new session, the running one's a HELLO that was said
 * again because our answer was slow. */
static void hello_at_binder(struct chan *c, link_peer peer,
	const struct msg_hello *hello, int64_t now)
{
	struct chan_session *s = chan_session_by_link(c, peer);

	if (s != NULL && s->number == hello->session) {
		greet(c, s);
		return;
	}
	if (s != NULL) {
		chan_session_end(c, s, "it says HELLO anew", now);
	} else if (credit_peers(c->books) >= MAX_SESSIONS) {
		chan_refuse(c, peer, c->name, "there are too many peers here");
		return;
	} else {
		s = chan_session_new(c, peer, hello->instance, now);
	}
	start(c, s, hello, now);
}

/* An answer to an older HELLO of ours starts nothing, it comes before that to
 * the newest. After that it means that the two ends are in two sessions. */
static void hello_at_connecter(struct chan *c, link_peer peer,
	const struct msg_hello *hello, int64_t now)
{
	struct chan_session *s = chan_session_by_link(c, peer);

	if (s == NULL)
		return;
	if (s->id == 0 && s->number == hello->session) {
		start(c, s, hello, now);
	} else if (s->id != 0 && s->number != hello->session) {
		chan_session_end(c, s, "it is in another session", now);
		chan_session_say_hello(c, s, now);
	}
}

void chan_session_hello(struct chan *c, link_peer peer,
	const struct msg_hello *hello, int64_t now)
{
	if (!welcome(c, peer, hello))
		return;
	if (c->binds)
		hello_at_binder(c, peer, hello, now);
	else
		hello_at_connecter(c, peer, hello, now);
}
