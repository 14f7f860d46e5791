#include "logger/stream.h"

#include <pthread.h>
#include <time.h>

#include "logger/answer.h"
#include "logger/row.h"
#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define LOOK_MS 200     /* for new rows, while there is a client */
#define BATCH 500       /* rows at once */
#define BATCH_BYTES ((size_t)256 << 10) /* of them; a row may be over it */
#define ALIVE_MS 5000  /* a comment, so that both ends notice */

struct client {
	struct http_stream *out;
	struct auth_who who;
	struct query q;
	int64_t seq; /* the last row that it has or that was not for it */
	int64_t since, said; /* mono ms */
};

struct stream {
	struct store *store;
	struct auth *auth;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t wake;
	bool stopping;
	VEC(struct client *) fresh; /* not yet the thread's */
	VEC(struct client *) clients; /* the thread's alone */
	size_t n; /* of both */
	int64_t last; /* the newest row; the thread's alone */
};

static void client_free(struct client *c)
{
	http_stream_close(c->out);
	query_release(&c->q);
	free(c);
}

static int say(struct client *c, struct strbuf *text, int64_t now)
{
	int rc = http_stream_write(c->out, strbuf_str(text));

	c->said = now;
	strbuf_release(text);
	return rc;
}

/* ---- rows ------------------------------------------------------------------ */

struct batch {
	struct client *c;
	struct strbuf out;
	size_t n;
	bool full; /* there may be more */
};

static int add_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct batch *b = ctx;

	b->full = ++b->n == BATCH;
	b->c->seq = at->seq;
	if (!query_matches(&b->c->q, r))
		return 0;
	strbuf_addf(&b->out, "id: %lld\nevent: row\ndata: ",
		(long long)at->seq);
	row_json(r, &b->out);
	strbuf_add_cstr(&b->out, "\n\n");
	b->full |= b->out.len >= BATCH_BYTES;
	return b->full;
}

/* What came since the client's last row, a batch at most, while it takes
 * them. -1: it is gone. */
static int feed(struct stream *s, struct client *c, int64_t now, bool *more)
{
	struct batch b = {.c = c};
	struct query q;
	struct err err = {0};

	if (http_stream_waiting(c->out) > BATCH_BYTES)
		return 0;
	query_init(&q);
	q.order = QUERY_AS_STORED;
	q.limit = BATCH;
	q.after.seq = c->seq;
	if (c->seq < s->last &&
		store_query(s->store, &q, add_row, &b, &err) < 0)
		log_limited(LOG_WARN, "stream", "rows cannot be read: %s",
			err.text);
	query_release(&q);
	*more |= b.full;
	if (b.out.len == 0 && now - c->said >= ALIVE_MS)
		strbuf_add_cstr(&b.out, ": alive\n\n");
	return b.out.len > 0 ? say(c, &b.out, now) : 0;
}

/* The first words: where it begins. */
static int greet(struct client *c, int64_t last, int64_t now)
{
	bool reset = c->seq > last ||
		(c->seq >= 0 && last - c->seq > STREAM_BEHIND_MAX);
	struct strbuf out = {0};

	if (c->seq < 0 || reset)
		c->seq = last;
	strbuf_addf(&out, "retry: 1000\nid: %lld\nevent: %s\ndata: {}\n\n",
		(long long)c->seq, reset ? "reset" : "hello");
	return say(c, &out, now);
}

/* ---- the thread ------------------------------------------------------------ */

/* Takes the new ones; false: it is to end. */
static bool wait(struct stream *s, bool more)
{
	struct timespec until;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_mutex_lock(&s->lock);
	while (!s->stopping && s->n == 0)
		pthread_cond_wait(&s->wake, &s->lock);
	if (!s->stopping && s->fresh.n == 0 && !more)
		pthread_cond_timedwait(&s->wake, &s->lock, &until);
	go_on = !s->stopping;
	pthread_mutex_unlock(&s->lock);
	return go_on;
}

static void drop(struct stream *s, struct client *c)
{
	client_free(c);
	pthread_mutex_lock(&s->lock);
	s->n--;
	pthread_mutex_unlock(&s->lock);
}

/* While the newest row is not known, nobody can begin there: they come again. */
static void take_fresh(struct stream *s, int64_t now)
{
	VEC(struct client *) list = {0};
	struct err err = {0};
	int rc;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->fresh.n; i++)
		VEC_PUSH(&list, s->fresh.v[i]);
	s->fresh.n = 0;
	pthread_mutex_unlock(&s->lock);
	rc = store_last(s->store, &s->last, &err);
	if (rc < 0)
		log_limited(LOG_WARN, "stream", "rows cannot be read: %s",
			err.text);
	for (size_t i = 0; i < list.n; i++) {
		if (rc < 0 || greet(list.v[i], s->last, now) < 0)
			drop(s, list.v[i]);
		else
			VEC_PUSH(&s->clients, list.v[i]);
	}
	VEC_RELEASE(&list);
}

static void *run(void *arg)
{
	struct stream *s = arg;
	bool more = false;

	while (wait(s, more)) {
		int64_t now = clock_mono();

		more = false;
		take_fresh(s, now);
		for (size_t i = s->clients.n; i > 0; i--) {
			struct client *c = s->clients.v[i - 1];

			if (now - c->since < STREAM_MS &&
				auth_holds(s->auth, &c->who, now) &&
				feed(s, c, now, &more) == 0)
				continue;
			drop(s, c);
			VEC_REMOVE_SWAP(&s->clients, i - 1);
		}
	}
	return NULL;
}

/* ---- life ------------------------------------------------------------------ */

struct stream *stream_start(struct store *store, struct auth *auth)
{
	struct stream *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;

	s->store = store;
	s->auth = auth;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&s->thread, NULL, run, s) != 0)
		log_fatal("cannot start a thread");
	return s;
}

int stream_add(struct stream *s, struct http_request *req,
	const struct auth_who *who, struct query *q, int64_t after)
{
	struct client *c;
	bool full;

	pthread_mutex_lock(&s->lock);
	full = s->stopping || s->n >= STREAM_CLIENTS_MAX;
	s->n += !full;
	pthread_mutex_unlock(&s->lock);
	if (full)
		return -1;
	c = xcalloc(1, sizeof(*c));
	c->out = answer_stream(req);
	c->who = *who;
	c->q = *q;
	c->seq = after;
	c->since = c->said = clock_mono();
	memset(q, 0, sizeof(*q));
	pthread_mutex_lock(&s->lock);
	VEC_PUSH(&s->fresh, c);
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

void stream_stop(struct stream *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	for (size_t i = 0; i < s->clients.n; i++)
		client_free(s->clients.v[i]);
	for (size_t i = 0; i < s->fresh.n; i++)
		client_free(s->fresh.v[i]);
	VEC_RELEASE(&s->clients);
	VEC_RELEASE(&s->fresh);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
