#include "proto/io/link_sock.h"

#include <errno.h>
#include <zmq.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/link_context.h"
#include "proto/io/link_monitor.h"

/* Messages read in one turn of the loop, so that others get theirs. */
#define TURN_MAX 256
#define HANDSHAKE_MS 5000

struct link_sock {
	struct loop *loop;
	enum link_sock_kind kind;
	struct link_curve *curve; /* borrowed; or NULL */
	const struct link_sock_ops *ops;
	void *ctx;
	void *zmq, *monitor; /* the socket and what tells of its connections */
	struct loop_fd *fd, *monitor_fd;
	struct loop_timer *again; /* there is more to read */
	size_t max_message;
	uint64_t dropped;
	unsigned busy; /* calls of ours that are on the stack */
	bool closed;   /* freed when busy is 0 again */
};

/* ---- options ----------------------------------------------------------- */

static void set_int(void *zmq, int option, int value)
{
	if (zmq_setsockopt(zmq, option, &value, sizeof(value)) != 0)
		BUG("ZeroMQ does not take option %d: %s", option,
			zmq_strerror(errno));
}

static void set_options(struct link_sock *s, const struct link_options *opt)
{
	static const struct {
		int option, value;
	} always[] = {
		{ZMQ_LINGER, 0}, {ZMQ_TCP_KEEPALIVE, 1},
		{ZMQ_TCP_KEEPALIVE_IDLE, 30}, {ZMQ_TCP_KEEPALIVE_INTVL, 10},
		{ZMQ_TCP_KEEPALIVE_CNT, 3}, {ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
		{ZMQ_RECONNECT_IVL, 100}, {ZMQ_RECONNECT_IVL_MAX, 2000},
	};
	int64_t max = (int64_t)s->max_message;
	int hwm = opt->hwm > 0 ? opt->hwm : 64;

	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		set_int(s->zmq, always[i].option, always[i].value);
	zmq_setsockopt(s->zmq, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	set_int(s->zmq, ZMQ_SNDHWM, hwm);
	set_int(s->zmq, ZMQ_RCVHWM, hwm);
	/* No queue towards a connection that does not stand. The price: what
	 * a peer sent right before its end is mostly gone with it. */
	if (s->kind == LINK_DEALER)
		set_int(s->zmq, ZMQ_IMMEDIATE, 1);
	else
		set_int(s->zmq, ZMQ_ROUTER_MANDATORY, 1);
}

/* ---- reading ----------------------------------------------------------- */

static struct str frame_str(zmq_msg_t *m)
{
	return (struct str){zmq_msg_data(m), zmq_msg_size(m)};
}

/* Reads one message, if there is one. */
static void read_one(struct link_sock *s)
{
	size_t want = s->kind == LINK_ROUTER ? 2 : 1, n = 0;
	zmq_msg_t frames[2], extra;
	bool more = true;

	zmq_msg_init(&frames[0]);
	zmq_msg_init(&frames[1]);
	while (more) {
		zmq_msg_t *m = n < want ? &frames[n] : &extra;

		if (m == &extra)
			zmq_msg_init(m);
		if (zmq_msg_recv(m, s->zmq, ZMQ_DONTWAIT) < 0)
			break;
		n++;
		more = zmq_msg_more(m);
		if (m == &extra)
			zmq_msg_close(m);
	}
	if (n == want && !more) {
		s->ops->message(s->ctx,
			want == 2 ? frame_str(&frames[0]) : (struct str){"", 0},
			frame_str(&frames[want - 1]));
	} else if (n > 0) {
		s->dropped++;
		log_limited(LOG_WARN, "link_frames",
			"a message of %zu frames was thrown away, %zu are "
			"expected", n, want);
	}
	zmq_msg_close(&frames[0]);
	zmq_msg_close(&frames[1]);
}

static void pump(struct link_sock *s);

static void on_again(void *ctx)
{
	struct link_sock *s = ctx;

	s->again = NULL;
	pump(s);
}

/* Reads on in the next turn. */
static void read_again(struct link_sock *s)
{
	if (!s->again && !s->closed)
		s->again = loop_timer_start(s->loop, 0, 0, on_again, s);
}

static void enter(struct link_sock *s)
{
	s->busy++;
}

static void leave(struct link_sock *s)
{
	if (--s->busy > 0 || !s->closed)
		return;
	free(s);
}

static void pump(struct link_sock *s)
{
	int left = TURN_MAX;

	enter(s);
	link_sock_settle(s);
	for (; !s->closed && left > 0 && link_context_readable(s->zmq); left--)
		read_one(s);
	if (left == 0)
		read_again(s);
	leave(s);
}

static void on_fd(void *ctx, int events UNUSED)
{
	pump(ctx);
}

/* ---- what becomes of the connection ------------------------------------ */

void link_sock_settle(struct link_sock *s)
{
	enum link_news news;

	enter(s);
	while (!s->closed &&
		(news = link_monitor_next(s->monitor)) != LINK_NEWS_NONE) {
		if (news == LINK_NEWS_REFUSED)
			log_limited(LOG_WARN, "link_refused",
				"a link was refused: its key is not admitted");
		else if (news == LINK_NEWS_FAILED)
			log_limited(LOG_WARN, "link_failed",
				"a link's handshake failed: the other end is "
				"no link of ours, or the keys do not fit");
		if (s->kind == LINK_ROUTER)
			continue;
		if (news == LINK_NEWS_UP)
			s->ops->up(s->ctx);
		else
			s->ops->lost(s->ctx);
	}
	leave(s);
}

/* ---- life -------------------------------------------------------------- */

struct link_sock *link_sock_open(struct loop *l, enum link_sock_kind kind,
	const struct link_options *opt, struct link_curve *curve,
	const struct link_sock_ops *ops, void *ctx)
{
	struct link_sock *s = xcalloc(1, sizeof(*s));

	link_context_hold();
	s->loop = l;
	s->kind = kind;
	s->curve = curve;
	s->ops = ops;
	s->ctx = ctx;
	s->max_message = opt->max_message;
	s->zmq = link_context_socket(
		kind == LINK_ROUTER ? ZMQ_ROUTER : ZMQ_DEALER);
	set_options(s, opt);
	s->monitor = link_monitor_open(s->zmq, kind == LINK_DEALER);
	s->fd = loop_fd_start(l, link_context_fd(s->zmq), LOOP_READ, on_fd, s);
	s->monitor_fd =
		loop_fd_start(l, link_context_fd(s->monitor), LOOP_READ, on_fd, s);
	return s;
}

static void prepare(struct link_sock *s, const char *endpoint)
{
	/* IPv6 only where it is asked for: an IPv4 address would be told as a
	 * mapped one. "*" is both, as far as the machine has both. */
	set_int(s->zmq, ZMQ_IPV6,
		strchr(endpoint, '[') || strstr(endpoint, "://*"));
	if (s->curve && strncmp(endpoint, "tcp:", 4) == 0)
		link_curve_apply(s->curve, s->loop, s->zmq);
}

int link_sock_bind(struct link_sock *s, const char *endpoint, struct err *err)
{
	prepare(s, endpoint);
	if (zmq_bind(s->zmq, endpoint) == 0)
		return 0;
	return err_fail(err, "cannot listen at %s: %s", endpoint,
		zmq_strerror(errno));
}

int link_sock_connect(
	struct link_sock *s, const char *endpoint, struct err *err)
{
	prepare(s, endpoint);
	if (zmq_connect(s->zmq, endpoint) == 0)
		return 0;
	return err_fail(err, "cannot connect to %s: %s", endpoint,
		zmq_strerror(errno));
}

void link_sock_address(const struct link_sock *s, char *text, size_t n)
{
	if (zmq_getsockopt(s->zmq, ZMQ_LAST_ENDPOINT, text, &n) != 0)
		text[0] = '\0';
}

static int send_frame(struct link_sock *s, struct str frame, int flags)
{
	int rc;

	do
		rc = zmq_send(s->zmq, frame.p, frame.n, ZMQ_DONTWAIT | flags);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -1 : 0;
}

/* ZeroMQ looks at its own news at most once in a millisecond; asking for
 * ZMQ_EVENTS makes it look, and a peer that seemed full may have room. */
static int send_first(struct link_sock *s, struct str frame, int flags)
{
	if (send_frame(s, frame, flags) == 0)
		return 0;
	if (errno != EAGAIN)
		return -1;
	link_context_readable(s->zmq);
	return send_frame(s, frame, flags);
}

int link_sock_send(struct link_sock *s, struct str identity, struct str body)
{
	int rc, saved;

	if (body.n > s->max_message) {
		log_limited(LOG_ERROR, "link_send",
			"a message of %zu bytes is not sent, links take %zu",
			body.n, s->max_message);
		errno = EMSGSIZE;
		return -1;
	}
	if (s->kind == LINK_DEALER)
		rc = send_first(s, body, 0);
	else if ((rc = send_first(s, identity, ZMQ_SNDMORE)) == 0)
		rc = send_frame(s, body, 0);
	/* The send may have eaten the event that told of something to read;
	 * when busy, whoever reads looks again anyway. */
	saved = errno;
	if (s->busy == 0 && link_context_readable(s->zmq))
		read_again(s);
	errno = saved;
	return rc;
}

uint64_t link_sock_dropped(const struct link_sock *s)
{
	return s->dropped;
}

void link_sock_close(struct link_sock **sp, int64_t linger_ms)
{
	struct link_sock *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	enter(s);
	s->closed = true;
	loop_timer_cancel(&s->again);
	loop_fd_stop(&s->fd);
	loop_fd_stop(&s->monitor_fd);
	link_monitor_close(s->monitor, s->zmq);
	set_int(s->zmq, ZMQ_LINGER, linger_ms > 0 ? (int)linger_ms : 0);
	zmq_close(s->zmq);
	link_context_release();
	leave(s);
}
