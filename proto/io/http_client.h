/*
 * HTTP out, over libcurl. Two ways: start() on the loop for trigger URLs, and
 * perform() on a worker thread for an engine's API. Never a proxy from the
 * environment, never a redirect, never cookies or netrc, nothing decompressed.
 * TLS is 1.2 or newer and verified, always: against the system's roots, the
 * call's own, or one public key. Of an answer's headers the first 50 are kept,
 * 1 KiB of each; far more than that fails the call. Only http_client.c and
 * http_transfer.c have curl.h.
 */
#ifndef PROTO_IO_HTTP_CLIENT_H
#define PROTO_IO_HTTP_CLIENT_H

#include "proto/base/strbuf.h"
#include "proto/io/loop.h"

/* What went wrong below HTTP; err.code of a failed call. */
enum http_failure {
	HTTP_FAIL_NONE = 0,
	HTTP_FAIL_TIMEOUT,
	HTTP_FAIL_DNS,
	HTTP_FAIL_CONNECT,
	HTTP_FAIL_TLS, /* none of the kinds below */
	HTTP_FAIL_ADDRESS, /* refused by allow_address */
	HTTP_FAIL_PROTOCOL, /* not HTTP, cut short, too large */
	HTTP_FAIL_ABORTED, /* by on_data or cancelled */
	/* the peer's certificate, or the TLS that it speaks */
	HTTP_FAIL_TLS_EXPIRED,
	HTTP_FAIL_TLS_NOT_YET,
	HTTP_FAIL_TLS_SELF_SIGNED,
	HTTP_FAIL_TLS_UNTRUSTED,
	HTTP_FAIL_TLS_INCOMPLETE,
	HTTP_FAIL_TLS_WRONG_NAME,
	HTTP_FAIL_TLS_WEAK,
	HTTP_FAIL_TLS_VERSION,
};

struct sockaddr;

struct http_call {
	const char *method;
	const char *url;
	const char *unix_socket; /* path, or NULL */
	/* Files (PEM): roots instead of the system's, and what we show. Each
	 * may be NULL. Only for http_perform(). */
	const char *tls_ca, *tls_cert, *tls_key;
	/* "sha256//BASE64" of the peer's public key (http_tls_pin()), which is
	 * then all that is asked for: no root, no name. Only for
	 * http_perform(). */
	const char *tls_pin;
	const char *proxy; /* "http://HOST:PORT"; NULL: none. Then it is the
			      proxy's address that allow_address is asked for */
	const char *const *headers; /* "Name: value" */
	size_t n_headers;
	struct str body; /* sent when not empty, and by POST, PUT and PATCH */
	int64_t connect_ms; /* DNS, connect and TLS together; 0: 10 s */
	int64_t total_ms;   /* whole exchange; 0: none */
	int64_t stall_ms;   /* no byte for so long (seen up to 6 s late);
			       0: none */
	size_t max_body;    /* bytes kept; 0: 64 MiB */
	bool truncate;      /* at max_body: keep the head and end well; else
			       the call fails */
	/* Streams the body of a 2xx instead of keeping it; nonzero aborts.
	 * max_body does not limit it. */
	int (*on_data)(void *ctx, struct str data);
	/* False refuses the connection to this address; a mapped v4 address
	 * comes as v4. Asked once for each connection that is made, so not for
	 * one that is used again. May be NULL. */
	bool (*allow_address)(void *ctx, const struct sockaddr *addr);
	void *ctx;
};

struct http_result {
	int status; /* 0 when no answer came; set when one broke off */
	struct strbuf body;
	struct strbuf headers; /* "Name: value\n" lines, bounded */
	char address[64];      /* connected to: "10.0.0.7:80"; or "" */
	bool connected;        /* for it, rather than earlier */
	int64_t duration_ms;
};

void http_global_init(void); /* once, before threads */

/* Blocks; for worker threads. 0 when an HTTP answer of any status came; -1
 * with err->code = enum http_failure. The caller releases *res either way. */
struct http_conn; /* reuses a connection between calls; one thread; or NULL */
struct http_conn *http_conn_new(void);
void http_conn_free(struct http_conn *c);
int http_perform(struct http_conn *c, const struct http_call *call,
	struct http_result *res, struct err *err);
/* The value of a header in res->headers into buf; false when absent. */
bool http_result_header(const struct http_result *res, const char *name,
	char *buf, size_t n);
void http_result_release(struct http_result *res);

/* On the loop, each on a connection of its own. The call's texts are copied.
 * done is called exactly once, never from within start, unless cancelled
 * first; res is the callee's for that time only, err is NULL when an answer
 * came; the handle is gone after it. Do not free the client in done. */
struct http_client;
struct http_client *http_client_new(struct loop *l);
void http_client_free(struct http_client *c); /* cancels what is under way */
struct http_handle;
struct http_handle *http_client_start(struct http_client *c,
	const struct http_call *call,
	void (*done)(void *ctx, const struct http_result *res,
		const struct err *err),
	void *ctx);
void http_handle_cancel(struct http_handle **h);

#endif
