/*
 * A request as http_server.c puts it together: a copy of target, headers and
 * body that lives until the answer, whatever becomes of the connection, and
 * the rules of RFC 9112 (message syntax) that the library does not enforce.
 * Knows no socket. For http_server.c only: handlers see http_server.h.
 */
#ifndef PROTO_IO_HTTP_REQUEST_H
#define PROTO_IO_HTTP_REQUEST_H

#include <netinet/in.h>
#include <pthread.h>

#include "proto/base/arena.h"
#include "proto/base/list.h"
#include "proto/base/strbuf.h"
#include "proto/io/http_server.h"

#define HTTP_TARGET_MAX ((size_t)4096)
#define HTTP_HEADERS_MAX ((size_t)16384) /* bytes */
#define HTTP_FIELDS_MAX ((size_t)64)
#define HTTP_QUERY_MAX ((size_t)32)
#define HTTP_IDENTITY_MAX ((size_t)16)
#define HTTP_DRAIN_MAX ((size_t)8 << 20)

struct http_pair {
	const char *name, *value;
};

/* What the server does with the request; guarded by lock. */
enum http_step {
	HTTP_READING,
	HTTP_HANDLING, /* handle() has been called, not yet answered */
	HTTP_WAITING,  /* and the connection is suspended */
	HTTP_ANSWERED,
};

struct http_request {
	struct arena arena; /* all texts below */
	enum http_fault fault;
	bool close_now; /* where the body ends is in doubt: do not read it */
	char fault_text[160];
	char *method, *path;
	struct http_pair *headers, *query;
	size_t n_headers, n_query, header_bytes;
	const char *identity[HTTP_IDENTITY_MAX];
	size_t n_identity;
	struct strbuf body;
	size_t max_body, received; /* bytes */
	char peer[INET6_ADDRSTRLEN];
	int64_t time;

	/* The server's part. One reference is the connection's, one the
	 * handler's. */
	pthread_mutex_t lock;
	unsigned refs;
	enum http_step step;
	bool begun;     /* the headers have been seen */
	bool abandoned; /* answered by the server's stop */
	struct list node; /* in the server's list, while there is a connection */
	struct MHD_Connection *conn;
	const char *raw_target; /* in the library's buffer; compared only */
	size_t raw_length;
	int orphan_fd; /* -1, or the socket of a connection that broke off */
	int status;
	struct MHD_Response *response;
	struct http_stream *stream; /* the answer goes on */
};

struct http_request *http_request_new(size_t max_body);
/* Drops one reference. */
void http_request_unref(struct http_request *r);

/* The first fault stays. */
void http_request_fail(struct http_request *r, enum http_fault fault,
	const char *fmt, ...) PRINTF_LIKE(3, 4);
/* A fault after which no further byte can be trusted. */
void http_request_fail_framing(struct http_request *r, const char *text);

/* In this order, each once but the third. */
void http_request_set_target(struct http_request *r, const char *target);
void http_request_set_method(struct http_request *r, const char *method);
void http_request_add_header(struct http_request *r, struct str name,
	struct str value);
/* What the client's certificate proves; what is too many is left out. */
void http_request_add_identity(struct http_request *r, struct str name);
/* version: "HTTP/1.1". Lengths, codings, and whether the body may be read. */
void http_request_check(struct http_request *r, const char *version);
/* Takes what is within the limits. */
void http_request_add_body(struct http_request *r, struct str data);
/* More was sent than is worth reading for the sake of an answer. */
bool http_request_overrun(const struct http_request *r);

#endif
