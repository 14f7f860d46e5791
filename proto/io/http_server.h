/*
 * HTTP/1.1 in, over libmicrohttpd with a pool of threads. A handler gets a
 * whole, bounded request on a pool thread and answers it once, there or later
 * from any thread: until then the connection is suspended. Requests that
 * break a limit or a rule of RFC 9112 reach the handler too, with
 * http_request_fault() set, so that one place chooses the status and writes
 * the row. Their answer goes out if there is still someone to take it. Only
 * a request line that is none, and an HTTP version that we do not speak, are
 * answered by the library alone. Only file with microhttpd.h.
 *
 * Fixed limits: target 4 KiB, headers 16 KiB and 64 fields, 32 query keys. A
 * body over max_body is read on (8 MiB at most) and thrown away, so that the
 * sender gets to read its 413; it is never cut and used. Times are totals:
 * who drips bytes is cut off as well (http_watch.h). With TLS a request that
 * broke off gets no answer.
 */
#ifndef PROTO_IO_HTTP_SERVER_H
#define PROTO_IO_HTTP_SERVER_H

#include "proto/base/err.h"
#include "proto/base/str.h"

struct http_server;
struct http_request;
struct http_tls;

enum http_fault {
	HTTP_OK = 0,
	HTTP_TOO_LARGE,   /* body over max_body, with or without a length */
	HTTP_BAD_REQUEST, /* both lengths, repeated lengths, truncated, ... */
	HTTP_BAD_ENCODING, /* a Content-Encoding */
};

struct http_server_config {
	const char *listen; /* "0.0.0.0:8080", "[::1]:8081", "*:8080" */
	unsigned threads;   /* 0: 2; never fewer */
	size_t max_body;    /* bytes */
	int64_t idle_ms;    /* without a byte, and until the next request has
			       its first line; 0: 30 s */
	int64_t send_ms;    /* in total to send a head, and again for a body;
			       0: 10 s */
	int64_t handshake_ms; /* of TLS, in total; 0: 5 s */
	unsigned max_connections; /* 0: 1,000; more wait to be accepted */
	unsigned max_per_address; /* connections of one peer; 0: no limit */
	struct http_tls *tls; /* http_tls.h; outlives the server; NULL: plain */
	void (*handle)(void *ctx, struct http_request *req);
	void *ctx;
};

/* NULL with err when the address cannot be bound. */
struct http_server *http_server_start(const struct http_server_config *c,
	struct err *err);
/* No new connections; requests under way may still be answered. */
void http_server_quiesce(struct http_server *s);
/* Closes the rest: a request that still waits is answered 503, and the answer
 * it gets later goes nowhere. handle() is not called any more afterwards. */
void http_server_stop(struct http_server *s);
int http_server_port(const struct http_server *s);

/* Valid from handle() until the answer, also after http_server_stop().
 * Borrowed from the request. */
enum http_fault http_request_fault(const struct http_request *r);
/* What is wrong, as a sentence; "" without a fault. */
const char *http_request_fault_text(const struct http_request *r);
/* "" when the request broke off before its headers were complete. */
const char *http_request_method(const struct http_request *r);
const char *http_request_path(const struct http_request *r); /* undecoded */
/* Percent-decoded ("+" stays "+": base64 travels here); NULL when absent; the
 * first when repeated. */
const char *http_request_query(const struct http_request *r, const char *key);
/* The i-th key and its value, in the order of the target; false past the
 * last. */
bool http_request_query_at(const struct http_request *r, size_t i,
	const char **key, const char **value);
/* Case-insensitive name; NULL when absent; the first when repeated. */
const char *http_request_header(const struct http_request *r, const char *name);
/* The i-th header, in the order they came; false past the last. */
bool http_request_header_at(const struct http_request *r, size_t i,
	const char **name, const char **value);
/* Empty when there is a fault. */
struct str http_request_body(const struct http_request *r);
const char *http_request_peer(const struct http_request *r); /* address */
/* The i-th thing that the client's certificate proves (http_tls_identify()),
 * "sha256:HEX" first; NULL past the last. */
const char *http_request_identity(const struct http_request *r, size_t i);
int64_t http_request_time(const struct http_request *r); /* wall ms, arrival */

/* Answers once; body is copied. extra: "Name: value" lines or NULL. The
 * request is gone afterwards. */
void http_reply(struct http_request *r, int status, const char *content_type,
	struct str body, const char *const *extra, size_t n_extra);

/*
 * An answer that goes on until it is closed, as server-sent events need. The
 * request is gone as after http_reply(); the stream stays the caller's until
 * http_stream_close(), whatever becomes of the connection. No thread is held.
 */
#define HTTP_STREAM_MAX ((size_t)1 << 20) /* bytes that wait for the client */

struct http_stream;

struct http_stream *http_reply_stream(struct http_request *r, int status,
	const char *content_type, const char *const *extra, size_t n_extra);
/* From any thread. -1: the client is gone, or so slow that it would have more
 * waiting than HTTP_STREAM_MAX; then nothing of it is sent. */
int http_stream_write(struct http_stream *s, struct str data) MUST_CHECK;
/* Bytes that wait for the client; none when it is gone: a write says so. */
size_t http_stream_waiting(struct http_stream *s) MUST_CHECK;
/* Ends the body after what was written; NULL is fine. */
void http_stream_close(struct http_stream *s);

#endif
