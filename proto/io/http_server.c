#include "proto/io/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/http_headers.h"
#include "proto/io/http_listen.h"
#include "proto/io/http_request.h"

#define THREADS_MIN 2
#define CONNECTIONS_DEFAULT 1000
#define IDLE_DEFAULT_MS 30000
/* A connection's memory: headers, target and the head of an answer. */
#define CONNECTION_MEMORY ((size_t)32 << 10)

struct http_server {
	struct http_server_config config; /* listen is not ours */
	struct MHD_Daemon *daemon;
	int listen_fd, port;
	bool quiesced;
	atomic_bool stopping;
	pthread_mutex_t lock;
	struct list open; /* requests that have a connection */
};

/* ---- answers ----------------------------------------------------------- */

static struct MHD_Response *make_response(struct str body,
	const char *content_type, const char *const *extra, size_t n_extra)
{
	/* MUST_COPY: the constant is not written to. */
	struct MHD_Response *resp = MHD_create_response_from_buffer(
		body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);

	if (!resp)
		log_fatal("out of memory");
	if (content_type)
		MHD_add_response_header(resp, "Content-Type", content_type);
	for (size_t i = 0; i < n_extra; i++) {
		struct str line = str_from(extra[i]);
		size_t colon = str_find(line, ':');
		char *name = xmemdup0(line.p, colon);
		struct str v = str_trim(str_cut(line, colon + 1, line.n));
		char *value = xmemdup0(v.p, v.n);

		if (MHD_add_response_header(resp, name, value) != MHD_YES)
			BUG("\"%s\" is not a header", extra[i]);
		free(name);
		free(value);
	}
	return resp;
}

/* The library has given up on this connection; the socket is still open. */
static void reply_orphan(struct http_request *r, int status,
	const char *content_type, struct str body, const char *const *extra,
	size_t n_extra)
{
	struct strbuf out = {0};
	char rest[16384];

	strbuf_addf(&out, "HTTP/1.1 %d %s\r\nConnection: close\r\n"
			  "Content-Length: %zu\r\n",
		status, MHD_get_reason_phrase_for((unsigned)status), body.n);
	if (content_type)
		strbuf_addf(&out, "Content-Type: %s\r\n", content_type);
	for (size_t i = 0; i < n_extra; i++)
		strbuf_addf(&out, "%s\r\n", extra[i]);
	strbuf_add_cstr(&out, "\r\n");
	strbuf_add_str(&out, body);
	/* Best effort: an answer fits the socket's buffer, or nobody reads. */
	(void)!send(r->orphan_fd, out.buf, out.len,
		MSG_DONTWAIT | MSG_NOSIGNAL);
	strbuf_release(&out);
	/* Closing on bytes not read would reset the connection and take the
	 * answer with it. */
	shutdown(r->orphan_fd, SHUT_WR);
	for (int i = 0; i < 64; i++)
		if (recv(r->orphan_fd, rest, sizeof(rest), MSG_DONTWAIT) <= 0)
			break;
	close(r->orphan_fd);
	r->orphan_fd = -1;
}

void http_reply(struct http_request *r, int status, const char *content_type,
	struct str body, const char *const *extra, size_t n_extra)
{
	pthread_mutex_lock(&r->lock);
	if (r->orphan_fd >= 0) {
		reply_orphan(r, status, content_type, body, extra, n_extra);
	} else if (!r->abandoned && r->conn) {
		r->status = status;
		r->response =
			make_response(body, content_type, extra, n_extra);
		if (r->step == HTTP_WAITING)
			MHD_resume_connection(r->conn);
	}
	r->step = HTTP_ANSWERED;
	pthread_mutex_unlock(&r->lock);
	http_request_unref(r);
}

/* The server stops before the handler has answered. Called with r->lock. */
static void abandon(struct http_request *r)
{
	static const char *const extra[] = {"Retry-After: 5"};

	r->abandoned = true;
	r->status = 503;
	r->response = make_response((struct str){"", 0}, NULL, extra, 1);
}

/* ---- what the library calls -------------------------------------------- */

static bool is_new(struct http_request *r)
{
	bool yes;

	pthread_mutex_lock(&r->lock);
	yes = r->step == HTTP_READING;
	pthread_mutex_unlock(&r->lock);
	return yes;
}

static void hand_over(struct http_server *s, struct http_request *r)
{
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
		abandon(r);
	if (r->response) {
		result = MHD_queue_response(
			conn, (unsigned)r->status, r->response);
		MHD_destroy_response(r->response);
		r->response = NULL;
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
		http_request_check(r, version);
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
	bool late = how == MHD_REQUEST_TERMINATED_TIMEOUT_REACHED;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);

	if (info && (late || how == MHD_REQUEST_TERMINATED_CLIENT_ABORT ||
			    http_request_overrun(r)))
		r->orphan_fd = fcntl(info->connect_fd, F_DUPFD_CLOEXEC, 3);
	http_request_fail(r, HTTP_BAD_REQUEST,
		late ? "the request stopped coming" :
		how == MHD_REQUEST_TERMINATED_CLIENT_ABORT ?
		     "the request broke off before its end" :
		     "the request is malformed or broke off");
	hand_over(s, r);
}

static void on_completed(void *cls, struct MHD_Connection *conn UNUSED,
	void **con_cls, enum MHD_RequestTerminationCode how)
{
	struct http_server *s = cls;
	struct http_request *r = *con_cls;

	if (!r)
		return;
	*con_cls = NULL;
	if (is_new(r) && how != MHD_REQUEST_TERMINATED_DAEMON_SHUTDOWN)
		on_broken_off(s, r, how);
	pthread_mutex_lock(&s->lock);
	list_remove(&r->node);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&r->lock);
	r->conn = NULL;
	if (r->response)
		MHD_destroy_response(r->response);
	r->response = NULL;
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

	MHD_set_panic_func(on_panic, NULL);
	/* TURBO leaves it to us when a socket is shut down: an orphan's answer
	 * is still to be sent. Not epoll: the library has it edge-triggered
	 * and takes a short read for "nothing more to come", so the end of
	 * what a client sends is never heard when it arrives together with
	 * the last bytes. */
	return MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
			MHD_USE_ERROR_LOG | MHD_USE_TURBO,
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
		MHD_OPTION_END);
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
	if (s->listen_fd >= 0)
		s->daemon = start_daemon(s);
	if (s->daemon)
		return s;
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

void http_server_stop(struct http_server *s)
{
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
			abandon(r);
			MHD_resume_connection(r->conn);
		}
		pthread_mutex_unlock(&r->lock);
	}
	pthread_mutex_unlock(&s->lock);
	MHD_stop_daemon(s->daemon);
	close(s->listen_fd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int http_server_port(const struct http_server *s)
{
	return s->port;
}
