#include "proto/io/http_transfer.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <strings.h>
#include <sys/socket.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/http_handshake.h"

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

/* "Connection refused" to go on a sentence. */
static const char *reason(const struct http_transfer *t, char *buf, size_t n)
{
	long number = 0;

	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	snprintf(buf, n, "%s",
		number > 0 ? strerror((int)number) : t->detail);
	buf[0] = (char)tolower((unsigned char)buf[0]);
	return buf;
}

static int fail_timeout(const struct http_transfer *t, struct err *err)
{
	const struct http_call *call = t->call;
	curl_off_t connected = 0, first = 0;
	int64_t took = clock_mono() - t->began;

	curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
	curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	if (connected == 0)
		return err_set(err, ERR_RETRY, HTTP_FAIL_TIMEOUT,
			"could not connect to %s within %lld ms", t->peer,
			(long long)took);
	if (call->total_ms == 0 || took < call->total_ms)
		return err_set(err, ERR_RETRY, HTTP_FAIL_TIMEOUT,
			"%s sent nothing for %lld ms", t->peer,
			(long long)call->stall_ms);
	return err_set(err, ERR_RETRY, HTTP_FAIL_TIMEOUT,
		first == 0 ? "%s did not answer within %lld ms" :
			     "the answer of %s did not end within %lld ms",
		t->peer, (long long)call->total_ms);
}

static int fail_tls(const struct http_transfer *t, struct err *err)
{
	enum http_failure kind;
	long verify = 0;

	curl_easy_getinfo(t->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	kind = http_handshake_failure(verify, t->detail);
	if (kind == HTTP_FAIL_TLS)
		return err_set(err, ERR_RETRY, (int)kind, "TLS with %s failed: %s",
			t->peer, t->detail);
	return err_set(err, ERR_RETRY, (int)kind, "%s %s (%s)", t->peer,
		http_handshake_reason(kind), t->detail);
}

static int fail_write(const struct http_transfer *t, struct err *err)
{
	if (t->aborted)
		return err_set(err, ERR_FAIL, HTTP_FAIL_ABORTED,
			"the answer of %s was not read to its end", t->peer);
	if (t->headers_too_large)
		return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
			"the headers of %s's answer are too large", t->peer);
	return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
		"the answer of %s is larger than %zu bytes", t->peer,
		t->res->body.limit);
}

static int fail(const struct http_transfer *t, CURLcode rc, struct err *err)
{
	char buf[CURL_ERROR_SIZE];

	switch (rc) {
	case CURLE_OPERATION_TIMEDOUT:
		return fail_timeout(t, err);
	case CURLE_COULDNT_RESOLVE_HOST:
		return err_set(err, ERR_RETRY, HTTP_FAIL_DNS,
			"could not resolve the name in %s", t->peer);
	case CURLE_COULDNT_CONNECT:
		if (t->refused[0])
			return err_set(err, ERR_FAIL, HTTP_FAIL_ADDRESS,
				"%s is the address %s, which is not allowed",
				t->peer, t->refused);
		return err_set(err, ERR_RETRY, HTTP_FAIL_CONNECT,
			"could not connect to %s: %s", t->peer,
			reason(t, buf, sizeof(buf)));
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return fail_tls(t, err);
	case CURLE_WRITE_ERROR:
		return fail_write(t, err);
	case CURLE_UNSUPPORTED_PROTOCOL:
		if (t->res->address[0])
			return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
				"what %s answers is not HTTP", t->peer);
		/* fall through */
	case CURLE_URL_MALFORMAT:
	case CURLE_LOGIN_DENIED:
		return err_set(err, ERR_FAIL, HTTP_FAIL_PROTOCOL,
			"the URL is not one that is called: %s", t->detail);
	default:
		return err_set(err, ERR_RETRY, HTTP_FAIL_PROTOCOL,
			"the exchange with %s broke off: %s", t->peer,
			t->detail[0] ? t->detail : curl_easy_strerror(rc));
	}
}

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
		result = fail(t, rc, err);
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
