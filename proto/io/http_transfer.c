#include "proto/io/http_transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"

#define CONNECT_DEFAULT_MS 10000
#define BODY_DEFAULT ((size_t)64 << 20)
#define HEADERS_MAX 50
#define HEADER_MAX ((size_t)1024)
/* All that is sent, kept or not: beyond it, the peer is not serious. */
#define HEADER_BYTES_MAX ((size_t)256 << 10)

#define SET(opt, value) \
	do { \
		if (curl_easy_setopt(t->easy, opt, value) != CURLE_OK) \
			BUG("libcurl does not take " #opt); \
	} while (0)

/* ---- what curl calls --------------------------------------------------- */

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;
	const struct http_call *call = t->call;
	size_t max = call->max_body ? call->max_body : BODY_DEFAULT;
	size_t room = max - t->res->body.len;
	long status = 0;

	n *= size;
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (call->on_data && status / 100 == 2) {
		t->aborted = call->on_data(call->ctx, (struct str){p, n}) != 0;
		return t->aborted ? 0 : n;
	}
	if (n > room && !call->truncate)
		return 0;
	t->cut = n > room;
	strbuf_add(&t->res->body, p, t->cut ? room : n);
	return t->cut ? 0 : n;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct http_transfer *t = ctx;
	struct str line;

	n *= size;
	t->header_bytes += n;
	t->headers_too_large = t->header_bytes > HEADER_BYTES_MAX;
	if (t->headers_too_large)
		return 0;
	line = (struct str){p, n};
	while (line.n > 0 && (p[line.n - 1] == '\n' || p[line.n - 1] == '\r'))
		line.n--;
	if (str_starts(line, STR("HTTP/"))) {
		/* Of several (100 Continue first) the last one counts. */
		strbuf_truncate(&t->res->headers, 0);
		t->n_headers = 0;
		t->headers_done = false;
	} else if (line.n == 0) {
		t->headers_done = true;
	} else if (t->n_headers < HEADERS_MAX) {
		t->n_headers++;
		strbuf_add_str(&t->res->headers, str_cut(line, 0, HEADER_MAX));
		strbuf_add_char(&t->res->headers, '\n');
	}
	return n;
}

/* The address that is really connected to, whatever the URL's spelling. */
static const struct sockaddr *unwrap(
	const struct curl_sockaddr *a, struct sockaddr_in *v4)
{
	const struct sockaddr_in6 *v6 = (const void *)&a->addr;

	if (a->family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return &a->addr;
	*v4 = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = v6->sin6_port};
	memcpy(&v4->sin_addr, v6->sin6_addr.s6_addr + 12, 4);
	return (const struct sockaddr *)v4;
}

static void print_address(const struct sockaddr *a, char *text, size_t n)
{
	const void *p = a->sa_family == AF_INET ?
		(const void *)&((const struct sockaddr_in *)a)->sin_addr :
		(const void *)&((const struct sockaddr_in6 *)a)->sin6_addr;

	if ((a->sa_family != AF_INET && a->sa_family != AF_INET6) ||
		!inet_ntop(a->sa_family, p, text, (socklen_t)n))
		snprintf(text, n, "of family %d", a->sa_family);
}

static curl_socket_t on_open(
	void *ctx, curlsocktype purpose UNUSED, struct curl_sockaddr *a)
{
	struct http_transfer *t = ctx;
	const struct http_call *call = t->call;
	struct sockaddr_in v4;
	const struct sockaddr *real = unwrap(a, &v4);

	if (call->allow_address && !call->allow_address(call->ctx, real)) {
		print_address(real, t->refused, sizeof(t->refused));
		return CURL_SOCKET_BAD;
	}
	return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- begin ------------------------------------------------------------- */

static void name_peer(struct http_transfer *t)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;

	snprintf(t->peer, sizeof(t->peer), "%s", t->call->url);
	if (t->call->unix_socket)
		snprintf(t->peer, sizeof(t->peer), "%s", t->call->unix_socket);
	else if (u && curl_url_set(u, CURLUPART_URL, t->call->url, 0) == 0 &&
		curl_url_get(u, CURLUPART_HOST, &host, 0) == 0 &&
		curl_url_get(u, CURLUPART_PORT, &port,
			CURLU_DEFAULT_PORT) == 0)
		snprintf(t->peer, sizeof(t->peer), "%s:%s", host, port);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
}

static void add_header(struct http_transfer *t, const char *line)
{
	t->headers = curl_slist_append(t->headers, line);
	if (!t->headers)
		log_fatal("out of memory");
}

static void set_headers(struct http_transfer *t)
{
	bool typed = false;

	for (size_t i = 0; i < t->call->n_headers; i++) {
		add_header(t, t->call->headers[i]);
		typed |= strncasecmp(t->call->headers[i], "Content-Type:",
				 13) == 0;
	}
	/* Without these curl would add some of its own. */
	add_header(t, "Expect:");
	if (!typed)
		add_header(t, "Content-Type:");
	SET(CURLOPT_HTTPHEADER, t->headers);
}

static void set_request(struct http_transfer *t)
{
	const struct http_call *call = t->call;
	const char *m = call->method;

	SET(CURLOPT_URL, call->url);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	if (call->unix_socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, call->unix_socket);
	if (strcmp(m, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
		return;
	}
	if (call->body.n > 0 || strcmp(m, "POST") == 0 ||
		strcmp(m, "PUT") == 0 || strcmp(m, "PATCH") == 0) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
		SET(CURLOPT_POSTFIELDS, call->body.n ? call->body.p : "");
	}
	SET(CURLOPT_CUSTOMREQUEST, m);
}

static void set_limits(struct http_transfer *t)
{
	const struct http_call *call = t->call;

	SET(CURLOPT_NOSIGNAL, 1L);
	/* A look-up that hangs is left behind, not waited for. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	SET(CURLOPT_CONNECTTIMEOUT_MS,
		(long)(call->connect_ms ? call->connect_ms : CONNECT_DEFAULT_MS));
	SET(CURLOPT_TIMEOUT_MS, (long)call->total_ms);
	if (call->stall_ms > 0) {
		SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
		SET(CURLOPT_LOW_SPEED_TIME, (long)((call->stall_ms + 999) / 1000));
	}
}

static void set_trust(struct http_transfer *t)
{
	const struct http_call *call = t->call;

	/* Never one of the environment's, nor its exceptions. */
	SET(CURLOPT_PROXY, call->proxy ? call->proxy : "");
	SET(CURLOPT_NOPROXY, "");
	if (call->proxy) {
		SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
		SET(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	}
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (call->tls_pin) {
		SET(CURLOPT_PINNEDPUBLICKEY, call->tls_pin);
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (call->tls_ca) {
		SET(CURLOPT_CAINFO, call->tls_ca);
		SET(CURLOPT_CAPATH, NULL);
	}
	if (call->tls_cert)
		SET(CURLOPT_SSLCERT, call->tls_cert);
	if (call->tls_key)
		SET(CURLOPT_SSLKEY, call->tls_key);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(CURLOPT_OPENSOCKETDATA, t);
}

void http_transfer_begin(struct http_transfer *t, CURL *easy,
	const struct http_call *call, struct http_result *res)
{
	*t = (struct http_transfer){.easy = easy, .call = call, .res = res,
		.began = clock_mono()};
	*res = (struct http_result){0};
	res->body.limit = call->max_body ? call->max_body : BODY_DEFAULT;
	set_request(t);
	set_headers(t);
	set_limits(t);
	set_trust(t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_ERRORBUFFER, t->detail);
}

/* ---- end --------------------------------------------------------------- */

static void note_address(struct http_transfer *t)
{
	char *ip = NULL;
	long port = 0;

	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(t->easy, CURLINFO_PRIMARY_PORT, &port);
	if (t->call->unix_socket)
		snprintf(t->res->address, sizeof(t->res->address), "unix:%s",
			t->call->unix_socket);
	else if (ip && ip[0])
		snprintf(t->res->address, sizeof(t->res->address),
			strchr(ip, ':') ? "[%s]:%ld" : "%s:%ld", ip, port);
}

int http_transfer_end(struct http_transfer *t, CURLcode rc, struct err *err)
{
	long status = 0, connects = 0;
	int result = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_NUM_CONNECTS, &connects);
	t->res->status = (int)status;
	t->res->connected = connects > 0;
	t->res->duration_ms = clock_mono() - t->began;
	note_address(t);
	if (rc != CURLE_OK || !t->headers_done)
		name_peer(t);
	/* We ended a cut answer ourselves: that is as it should be. */
	if (rc != CURLE_OK && !(rc == CURLE_WRITE_ERROR && t->cut))
		result = http_transfer_fail(t, rc, err);
	else if (!t->headers_done)
		/* curl is content with a status line. */
		result = err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
			"the exchange with %s broke off within the headers",
			t->peer);
	http_transfer_drop(t);
	return result;
}

void http_transfer_drop(struct http_transfer *t)
{
	curl_slist_free_all(t->headers);
	t->headers = NULL;
}
