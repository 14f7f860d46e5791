#include "proto/io/http_client.h"

#include <curl/curl.h>
#include <strings.h>
#include <unistd.h>

#include "proto/base/arena.h"
#include "proto/base/list.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/http_transfer.h"

void http_global_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		log_fatal("libcurl does not start");
}

static CURL *new_easy(void)
{
	CURL *easy = curl_easy_init();

	if (!easy)
		log_fatal("out of memory");
	return easy;
}

/* ---- results ----------------------------------------------------------- */

bool http_result_header(const struct http_result *res, const char *name,
	char *buf, size_t n)
{
	struct str rest = strbuf_str(&res->headers), line;
	size_t len = strlen(name);

	while (str_split(&rest, '\n', &line)) {
		struct str value;

		if (str_find(line, ':') != len ||
			strncasecmp(line.p, name, len) != 0)
			continue;
		value = str_trim(str_cut(line, len + 1, line.n));
		snprintf(buf, n, "%.*s", (int)value.n, value.p);
		return true;
	}
	return false;
}

void http_result_release(struct http_result *res)
{
	strbuf_release(&res->body);
	strbuf_release(&res->headers);
}

/* ---- on a worker thread ------------------------------------------------ */

struct http_conn {
	CURL *easy; /* holds its connections between calls */
};

struct http_conn *http_conn_new(void)
{
	struct http_conn *c = xcalloc(1, sizeof(*c));

	c->easy = new_easy();
	return c;
}

void http_conn_free(struct http_conn *c)
{
	if (!c)
		return;
	curl_easy_cleanup(c->easy);
	free(c);
}

int http_perform(struct http_conn *c, const struct http_call *call,
	struct http_result *res, struct err *err)
{
	CURL *easy = c ? c->easy : new_easy();
	struct http_transfer t;
	int rc;

	http_transfer_begin(&t, easy, call, res);
	rc = http_transfer_end(&t, curl_easy_perform(easy), err);
	if (c)
		curl_easy_reset(easy);
	else
		curl_easy_cleanup(easy);
	return rc;
}

#define SPARE_MAX 64

/* ---- on the loop ------------------------------------------------------- */

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	struct list handles; /* struct http_handle */
	CURL *spare[SPARE_MAX]; /* reset, to be used again */
	size_t n_spare;
	bool roots_in_file; /* of the system: a bundle */
};

#define ROOTS_KEPT_S 600L

struct http_handle {
	struct list node;
	struct http_client *client;
	CURL *easy;
	bool ending; /* done is being called */
	struct http_call call; /* its texts are in arena */
	struct arena arena;
	struct http_transfer transfer;
	struct http_result res;
	void (*done)(void *ctx, const struct http_result *res,
		const struct err *err);
	void *ctx;
};

/* Making one costs more than a small exchange. */
static CURL *take_easy(struct http_client *c)
{
	return c->n_spare ? c->spare[--c->n_spare] : new_easy();
}

static void give_easy(struct http_client *c, CURL *easy)
{
	if (c->n_spare == SPARE_MAX) {
		curl_easy_cleanup(easy);
		return;
	}
	curl_easy_reset(easy);
	c->spare[c->n_spare++] = easy;
}

static void handle_free(struct http_handle *h)
{
	curl_multi_remove_handle(h->client->multi, h->easy);
	list_remove(&h->node);
	http_transfer_drop(&h->transfer);
	give_easy(h->client, h->easy);
	http_result_release(&h->res);
	arena_free(&h->arena);
	free(h);
}

static void handle_done(struct http_handle *h, CURLcode rc)
{
	struct err err = {0};
	int failed = http_transfer_end(&h->transfer, rc, &err);

	h->ending = true;
	h->done(h->ctx, &h->res, failed ? &err : NULL);
	handle_free(h);
}

static void collect(struct http_client *c)
{
	CURLMsg *msg;
	int left;

	while ((msg = curl_multi_info_read(c->multi, &left))) {
		struct http_handle *h = NULL;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, &h);
		handle_done(h, msg->data.result);
	}
}

static void act(struct http_client *c, curl_socket_t fd, int events)
{
	int running;

	curl_multi_socket_action(c->multi, fd, events, &running);
	collect(c);
}

/* One watched descriptor of curl's. */
struct watch {
	struct http_client *client;
	struct loop_fd *fd;
	curl_socket_t socket;
};

static void on_ready(void *ctx, int events)
{
	struct watch *w = ctx;

	/* w may be gone after this. */
	act(w->client, w->socket,
		(events & LOOP_READ ? CURL_CSELECT_IN : 0) |
			(events & LOOP_WRITE ? CURL_CSELECT_OUT : 0));
}

static int on_socket(
	CURL *easy UNUSED, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct http_client *c = ctx;
	struct watch *w = socket_ctx;
	int events = (what & CURL_POLL_IN ? LOOP_READ : 0) |
		(what & CURL_POLL_OUT ? LOOP_WRITE : 0);

	if (what == CURL_POLL_REMOVE) {
		if (w)
			loop_fd_stop(&w->fd);
		free(w);
		return 0;
	}
	if (w) {
		loop_fd_update(w->fd, events);
		return 0;
	}
	w = xcalloc(1, sizeof(*w));
	w->client = c;
	w->socket = fd;
	w->fd = loop_fd_start(c->loop, fd, events, on_ready, w);
	curl_multi_assign(c->multi, fd, w);
	return 0;
}

static void on_time(void *ctx)
{
	struct http_client *c = ctx;

	c->timer = NULL;
	act(c, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi UNUSED, long ms, void *ctx)
{
	struct http_client *c = ctx;

	loop_timer_cancel(&c->timer);
	if (ms >= 0)
		c->timer = loop_timer_start(c->loop, ms, 0, on_time, c);
	return 0;
}

/* Reading the system's roots takes longer than a handshake. libcurl keeps them
 * between connections only if they are one file, not a folder as well. */
static bool has_roots_file(void)
{
	CURL *easy = new_easy();
	char *path = NULL;
	bool has;

	has = curl_easy_getinfo(easy, CURLINFO_CAINFO, &path) == CURLE_OK &&
		path && access(path, R_OK) == 0;
	curl_easy_cleanup(easy);
	return has;
}

struct http_client *http_client_new(struct loop *l)
{
	struct http_client *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->multi = curl_multi_init();
	if (!c->multi)
		log_fatal("out of memory");
	list_init(&c->handles);
	c->roots_in_file = has_roots_file();
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	LIST_EACH(&c->handles, node)
		handle_free(CONTAINER_OF(node, struct http_handle, node));
	for (size_t i = 0; i < c->n_spare; i++)
		curl_easy_cleanup(c->spare[i]);
	curl_multi_cleanup(c->multi);
	loop_timer_cancel(&c->timer);
	free(c);
}

static void copy_call(struct http_handle *h, const struct http_call *call)
{
	struct arena *a = &h->arena;
	const char **headers;

	/* The caller's own texts, not a stranger's: no limit but memory. */
	arena_init(a, SIZE_MAX);
	h->call = *call;
	h->call.method = arena_strdup(a, str_from(call->method));
	h->call.url = arena_strdup(a, str_from(call->url));
	if (call->unix_socket)
		h->call.unix_socket =
			arena_strdup(a, str_from(call->unix_socket));
	if (call->proxy)
		h->call.proxy = arena_strdup(a, str_from(call->proxy));
	h->call.body.p = arena_strdup(a, call->body);
	headers = arena_alloc(a, call->n_headers * sizeof(*headers));
	for (size_t i = 0; i < call->n_headers; i++)
		headers[i] = arena_strdup(a, str_from(call->headers[i]));
	h->call.headers = headers;
}

struct http_handle *http_client_start(struct http_client *c,
	const struct http_call *call,
	void (*done)(void *ctx, const struct http_result *res,
		const struct err *err),
	void *ctx)
{
	struct http_handle *h = xcalloc(1, sizeof(*h));

	h->client = c;
	h->done = done;
	h->ctx = ctx;
	h->easy = take_easy(c);
	copy_call(h, call);
	http_transfer_begin(&h->transfer, h->easy, &h->call, &h->res);
	curl_easy_setopt(h->easy, CURLOPT_PRIVATE, h);
	/* Each attempt looks the name up and connects for itself, so that
	 * allow_address sees every one. */
	curl_easy_setopt(h->easy, CURLOPT_FRESH_CONNECT, 1L);
	curl_easy_setopt(h->easy, CURLOPT_FORBID_REUSE, 1L);
	curl_easy_setopt(h->easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
	/* Made and freed for each: answers are small. */
	curl_easy_setopt(h->easy, CURLOPT_BUFFERSIZE, 4096L);
	if (c->roots_in_file)
		curl_easy_setopt(h->easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(h->easy, CURLOPT_CA_CACHE_TIMEOUT, ROOTS_KEPT_S);
	/* And each shows its certificate. */
	curl_easy_setopt(h->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	list_push_back(&c->handles, &h->node);
	if (curl_multi_add_handle(c->multi, h->easy) != CURLM_OK)
		BUG("libcurl does not take a handle");
	return h;
}

void http_handle_cancel(struct http_handle **h)
{
	if (!*h)
		return;
	if (!(*h)->ending)
		handle_free(*h);
	*h = NULL;
}
