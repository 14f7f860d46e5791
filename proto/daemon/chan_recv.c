#include "proto/daemon/chan_session.h"

#include "proto/base/log.h"

/* What the receiver of a payload that it cannot take lets pass. */
#define UNREADABLE_MS 60000
#define BEYOND_CREDIT_MS 1000

/* ---- the ledger: leases that came and are not answered ------------------- */

/* Where the lease is, or where it would be. */
static size_t find_lease(const struct chan_session *s, int64_t lease)
{
	size_t low = 0, high = s->open.n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->open.v[mid].lease < lease)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* The unanswered lease that from means, with its session; false when either
 * has ended, or it was answered before. */
static bool find_open(const struct chan *c, const struct chan_from *from,
	struct chan_session **s, size_t *at)
{
	*s = chan_session_by_id(c, from->peer);
	if (*s == NULL)
		return false;
	*at = find_lease(*s, from->lease);
	return *at < (*s)->open.n &&
		(*s)->open.v[*at].lease == from->lease &&
		!(*s)->open.v[*at].acked;
}

static void remove_lease(struct chan_session *s, size_t at)
{
	s->open.n--;
	memmove(s->open.v + at, s->open.v + at + 1,
		(s->open.n - at) * sizeof(*s->open.v));
}

void chan_recv_forget(struct chan_session *s)
{
	VEC_RELEASE(&s->open);
	s->last_lease = 0;
	s->received = s->answered = s->granted = 0;
	s->acks = false;
}

/* ---- payloads ------------------------------------------------------------ */

/* Enters the lease. False when the transport lost one before it: the sender
 * would wait long for its answer, and ranges rely on there being none. So the
 * session is over, and s is gone. */
static bool take_lease(struct chan *c, struct chan_session *s, int64_t lease,
	int64_t now)
{
	struct chan_lease l = {.lease = lease};
	char text[128];

	if (s->last_lease != 0 && lease != s->last_lease + 1) {
		snprintf(text, sizeof(text),
			"lease %lld follows lease %lld: a message was lost",
			(long long)lease, (long long)s->last_lease);
		if (c->binds)
			chan_say(c, s, MSG_RESET, 0, &(struct msg_empty){0});
		chan_session_lose(c, s, text, now);
		return false;
	}
	s->last_lease = lease;
	s->received++;
	VEC_PUSH(&s->open, l);
	return true;
}

void chan_recv_payload(struct chan *c, struct chan_session *s,
	const struct msg *m, int64_t now)
{
	struct chan_from from = {.peer = s->id, .lease = m->lease};

	if (!take_lease(c, s, m->lease, now))
		return;
	if (s->received > s->granted) {
		chan_refuse(c, s->link, s->name,
			"a payload came without credit for it");
		chan_nack(c, &from, BEYOND_CREDIT_MS,
			"there is no credit for it");
		return;
	}
	c->ops.deliver(c->ctx, &from, m);
}

void chan_recv_unreadable(struct chan *c, struct chan_session *s,
	int64_t lease, const char *why, int64_t now)
{
	struct chan_from from = {.peer = s->id, .lease = lease};

	if (take_lease(c, s, lease, now))
		chan_nack(c, &from, UNREADABLE_MS, why);
}

/* ---- answers ------------------------------------------------------------- */

void chan_ack(struct chan *c, const struct chan_from *from)
{
	struct chan_session *s;
	size_t at;

	if (!find_open(c, from, &s, &at))
		return;
	s->open.v[at].acked = true;
	s->answered++;
	s->acks = true;
	chan_poke(c);
}

void chan_nack(struct chan *c, const struct chan_from *from, int64_t delay_ms,
	const char *reason)
{
	struct msg_nack nack = {.lease = from->lease, .delay_ms = delay_ms};
	struct chan_session *s;
	size_t at;

	if (!find_open(c, from, &s, &at))
		return;
	remove_lease(s, at);
	s->answered++;
	nack.reason = xstrdup_null(reason);
	field_fit(&nack_table, &nack);
	chan_say(c, s, MSG_NACK, 0, &nack);
	free(nack.reason);
	chan_poke(c);
}

/* The lease follows the range that the message has so far, or begins it. */
static bool extend(struct msg_ack *ack, int64_t lease)
{
	if (ack->from == 0)
		ack->from = lease;
	else if (lease != ack->upto + 1)
		return false;
	ack->upto = lease;
	return true;
}

/*
 * Takes what is acked off the ledger into the message: the first ones without
 * a gap as a range, the others by name. There are no more than the window
 * has, which an ACK can hold. A range never spans a lease that was not acked:
 * if a NACK is lost, nobody must take the lease for acknowledged.
 */
static void collect(struct chan_session *s, struct msg_ack *ack)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->open.n; i++) {
		const struct chan_lease *l = &s->open.v[i];

		if (l->acked && extend(ack, l->lease))
			continue;
		if (l->acked && ack->leases.n < MSG_ACK_LEASES)
			ack->leases.v[ack->leases.n++] = l->lease;
		else
			s->open.v[kept++] = *l;
	}
	s->open.n = kept;
}

void chan_recv_answer(struct chan *c, struct chan_session *s)
{
	int64_t leases[MSG_ACK_LEASES];
	struct msg_ack ack = {.leases.v = leases};
	int64_t total = s->answered + c->window;

	/* Granted credit is not taken back, so a pause adds none. */
	if (c->paused || total < s->granted)
		total = s->granted;
	if (s->acks) {
		collect(s, &ack);
		ack.credit = total;
		chan_say(c, s, MSG_ACK, 0, &ack);
		s->acks = false;
	} else if (total > s->granted) {
		chan_say(c, s, MSG_CREDIT, 0, &(struct msg_credit){total});
	}
	s->granted = total;
}

void chan_pause(struct chan *c, bool paused)
{
	c->paused = paused;
	chan_poke(c);
}
