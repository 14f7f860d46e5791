#include "proto/io/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/http_headers.h"
#include "proto/io/http_listen.h"
#include "proto/io/http_peer.h"
#include "proto/io/http_reply.h"
#include "proto/io/http_request.h"
#include "proto/io/http_stream.h"

#define THREADS_MIN 2
#define CONNECTIONS_DEFAULT 1000
#define IDLE_DEFAULT_MS 30000
#define SEND_DEFAULT_MS 10000
#define HANDSHAKE_DEFAULT_MS 5000
#define LAST_WORDS_MS 500 /* for what the stop has ended to reach its client */
/* A connection's memory: headers, target and the head of an answer. Over 32
 * KiB the library maps it, so that of a slow one's only what it has sent is
 * in memory, and all is given back when it ends. */
#define CONNECTION_MEMORY ((size_t)36 << 10)

struct http_server {
	struct http_server_config config; /* listen is not ours */
	struct MHD_Daemon *daemon;
	struct http_watch *watch;
	int listen_fd, port;
	bool quiesced;
	atomic_bool stopping;
	pthread_mutex_t lock;
	struct list open; /* requests that have a connection */
};

/* ---- what the library calls -------------------------------------------- */

static bool is_new(struct http_request *r)
{
	bool yes;

	pthread_mutex_lock(&r->lock);
	yes = r->step == HTTP_READING;
	pthread_mutex_unlock(&r->lock);
	return yes;
}

static void on_connection(void *cls, struct MHD_Connection *conn,
	void **context, enum MHD_ConnectionNotificationCode what)
{
	struct http_server *s = cls;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		*context = http_peer_new(conn, s->watch, s->config.tls);
	} else if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		http_peer_free(*context);
		*context = NULL;
	}
}

static void hand_over(struct http_server *s, struct http_request *r)
{
	http_peer_enter(r->conn, HTTP_PHASE_OURS);
	pthread_mutex_lock(&r->lock);
	r->step = HTTP_HANDLING;
	r->refs++;
	pthread_mutex_unlock(&r->lock);
	s->config.handle(s->config.ctx, r);
}

/* The request is whole (or refused): asks the handler once, sends the answer
 * when there is one, and suspends the connection until then. */
static enum MHD_Result settle(struct http_server *s, struct http_request *r,
	struct MHD_Connection *conn)
{
	enum MHD_Result result = MHD_YES;

	if (is_new(r))
		hand_over(s, r);
	pthread_mutex_lock(&r->lock);
	if (!r->response && atomic_load(&s->stopping))
		http_reply_abandon(r);
	if (r->response) {
		result = MHD_queue_response(
			conn, (unsigned)r->status, r->response);
		MHD_destroy_response(r->response);
		r->response = NULL;
		if (r->stream && atomic_load(&s->stopping))
			http_stream_stop(r->stream);
	} else {
		r->step = HTTP_WAITING;
		MHD_suspend_connection(conn);
	}
	pthread_mutex_unlock(&r->lock);
	return result;
}

/* The request line is there: the first that we hear of a request. */
static void *on_target(void *cls, const char *target,
	struct MHD_Connection *conn)
{
	struct http_server *s = cls;
	struct http_request *r = http_request_new(s->config.max_body);
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	r->time = clock_wall();
	r->conn = conn;
	r->raw_target = target;
	r->raw_length = target ? strlen(target) : 0;
	http_listen_peer(info ? info->client_addr : NULL, r->peer);
	http_request_set_target(r, target ? target : "");
	http_peer_enter(conn, HTTP_PHASE_HEAD);
	pthread_mutex_lock(&s->lock);
	list_push_back(&s->open, &r->node);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn,
	const char *url UNUSED, const char *method, const char *version,
	const char *upload, size_t *n_upload, void **con_cls)
{
	struct http_server *s = cls;
	struct http_request *r = *con_cls;

	if (!r)
		return MHD_NO;
	if (!r->begun) {
		r->begun = true;
		http_request_set_method(r, method);
		http_headers_take(r, conn, method, version);
		http_peer_identify(conn, r);
		http_request_check(r, version);
		http_peer_enter(conn, HTTP_PHASE_BODY);
		return r->close_now ? settle(s, r, conn) : MHD_YES;
	}
	if (*n_upload > 0) {
		http_request_add_body(r, (struct str){upload, *n_upload});
		*n_upload = 0;
		return http_request_overrun(r) ? MHD_NO : MHD_YES;
	}
	return settle(s, r, conn);
}

/* It ended before it was whole: the handler hears of it, and its answer is
 * sent when the library has not sent one of its own. */
static void on_broken_off(struct http_server *s, struct http_request *r,
	enum MHD_RequestTerminationCode how)
{
	bool late = how == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED ||
		http_peer_late(r->conn);

	if (!s->config.tls && (late ||
			how == MHD_REQUEST_TERMINATED_CLIENT_ABORT ||
			http_request_overrun(r)))
		r->orphan_fd = http_peer_dup(r->conn);
	http_request_fail(r, HTTP_BAD_REQUEST,
		late ? "the request stopped coming" :
		how == MHD_REQUEST_TERMINATED_CLIENT_ABORT ?
		     "the request broke off before its end" :
		     "the request is malformed or broke off");
	hand_over(s, r);
}

static void on_completed(void *cls, struct MHD_Connection *conn,
	void **con_cls, enum MHD_RequestTerminationCode how)
{
	struct http_server *s = cls;
	struct http_request *r = *con_cls;

	if (!r)
		return;
	*con_cls = NULL;
	if (is_new(r) && how != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN)
		on_broken_off(s, r, how);
	http_peer_enter(conn, HTTP_PHASE_NEXT);
	pthread_mutex_lock(&s->lock);
	list_remove(&r->node);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&r->lock);
	r->conn = NULL;
	if (r->response)
		MHD_destroy_response(r->response);
	r->response = NULL;
	if (r->stream)
		http_stream_gone(r->stream);
	http_stream_unref(r->stream);
	r->stream = NULL;
	pthread_mutex_unlock(&r->lock);
	http_request_unref(r);
}

/* Decoding is ours, and happens on a copy. */
static size_t on_unescape(void *cls UNUSED, struct MHD_Connection *conn UNUSED,
	char *s)
{
	return strlen(s);
}

static void on_log(void *cls UNUSED, const char *fmt, va_list ap)
{
	char text[256], safe[512];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_limited(LOG_DEBUG, "http_server", "%s",
		str_safe(str_from(text), safe, sizeof(safe)));
}

static void on_panic(void *cls UNUSED, const char *file, unsigned line,
	const char *reason)
{
	BUG("libmicrohttpd, %s:%u: %s", file, line, reason);
}

/* ---- life -------------------------------------------------------------- */

static struct MHD_Daemon *start_daemon(struct http_server *s)
{
	const struct http_server_config *c = &s->config;
	unsigned idle = (unsigned)((c->idle_ms + 999) / 1000);

	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0,
			(void *)(uintptr_t)http_tls_certificate},
		{MHD_OPTION_HTTPS_PRIORITIES, 0,
			(void *)(uintptr_t)http_tls_priorities},
		{MHD_OPTION_END, 0, NULL},
	};

	MHD_set_panic_func(on_panic, NULL);
	/* TURBO leaves it to us when a socket is shut down: an orphan's answer
	 * is still to be sent; with TLS the end must be told. Not epoll: the
	 * library has it edge-triggered and takes a short read for "nothing
	 * more to come", so the end of what a client sends is never heard when
	 * it arrives together with the last bytes. */
	return MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_ERROR_LOG |
			(c->tls ? MHD_USE_TLS : MHD_USE_TURBO),
		0, NULL, NULL, on_request, s,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
		MHD_OPTION_THREAD_POOL_SIZE, c->threads,
		MHD_OPTION_CONNECTION_LIMIT, c->max_connections,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, c->max_per_address,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY,
		MHD_OPTION_CONNECTION_TIMEOUT, idle,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
		MHD_OPTION_UNESCAPE_CALLBACK, on_unescape, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
		MHD_OPTION_ARRAY, c->tls ? tls : tls + ARRAY_LEN(tls) - 1,
		MHD_OPTION_END);
}

static struct http_watch *start_watch(const struct http_server_config *c)
{
	int64_t send = c->send_ms > 0 ? c->send_ms : SEND_DEFAULT_MS;

	return http_watch_start((const int64_t[HTTP_PHASES]){
		[HTTP_PHASE_TLS] = c->handshake_ms > 0 ? c->handshake_ms :
						      HANDSHAKE_DEFAULT_MS,
		[HTTP_PHASE_HEAD] = send,
		[HTTP_PHASE_BODY] = send,
		[HTTP_PHASE_NEXT] = c->idle_ms,
	});
}

struct http_server *http_server_start(const struct http_server_config *c,
	struct err *err)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->config = *c;
	s->config.listen = NULL;
	if (c->threads < THREADS_MIN)
		s->config.threads = THREADS_MIN;
	if (c->max_connections == 0)
		s->config.max_connections = CONNECTIONS_DEFAULT;
	if (s->config.max_connections < s->config.threads)
		s->config.max_connections = s->config.threads;
	if (c->idle_ms <= 0)
		s->config.idle_ms = IDLE_DEFAULT_MS;
	atomic_init(&s->stopping, false);
	pthread_mutex_init(&s->lock, NULL);
	list_init(&s->open);
	s->listen_fd = http_listen(c->listen, &s->port, err);
	s->watch = start_watch(&s->config);
	if (s->listen_fd >= 0)
		s->daemon = start_daemon(s);
	if (s->daemon)
		return s;
	http_watch_stop(s->watch);
	http_watch_free(s->watch);
	if (s->listen_fd >= 0) {
		err_fail(err, "cannot serve HTTP at %s: %s", c->listen,
			strerror(errno));
		close(s->listen_fd);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

void http_server_quiesce(struct http_server *s)
{
	if (s->quiesced)
		return;
	s->quiesced = true;
	/* A pool thread may be about to accept from it: refuses from now on,
	 * but the number is not given to another file until the stop. */
	MHD_quiesce_daemon(s->daemon);
	shutdown(s->listen_fd, SHUT_RDWR);
}

/* Is an answer under way that has its end? */
static bool is_answering(struct http_server *s)
{
	bool yes = false;

	pthread_mutex_lock(&s->lock);
	LIST_EACH(&s->open, node) {
		struct http_request *r =
			CONTAINER_OF(node, struct http_request, node);

		pthread_mutex_lock(&r->lock);
		yes |= r->abandoned || r->stream != NULL;
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return yes;
}

void http_server_stop(struct http_server *s)
{
	int64_t until = clock_mono() + LAST_WORDS_MS;

	if (!s)
		return;
	http_server_quiesce(s);
	atomic_store(&s->stopping, true);
	pthread_mutex_lock(&s->lock);
	LIST_EACH(&s->open, node) {
		struct http_request *r =
			CONTAINER_OF(node, struct http_request, node);

		pthread_mutex_lock(&r->lock);
		if (r->step == HTTP_WAITING && !r->response) {
			http_reply_abandon(r);
			MHD_resume_connection(r->conn);
		}
		if (r->stream)
			http_stream_stop(r->stream);
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&s->lock);
	/* The library's stop cuts off what is not sent yet. */
	while (is_answering(s) && clock_mono() < until)
		clock_sleep(1);
	http_watch_stop(s->watch);
	MHD_stop_daemon(s->daemon);
	http_watch_free(s->watch);
	close(s->listen_fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}
