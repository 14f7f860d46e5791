#include "proto/io/http_reply.h"

#include <microhttpd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"

void http_reply_headers(struct MHD_Response *resp, const char *content_type,
	const char *const *extra, size_t n_extra)
{
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
}

static struct MHD_Response *make_response(struct str body,
	const char *content_type, const char *const *extra, size_t n_extra)
{
	/* MUST_COPY: the constant is not written to. */
	struct MHD_Response *resp = MHD_create_response_from_buffer(
		body.n, (void *)(uintptr_t)body.p, MHD_RESPMEM_MUST_COPY);

	if (!resp)
		log_fatal("out of memory");
	http_reply_headers(resp, content_type, extra, n_extra);
	return resp;
}

void http_reply_close_orphan(struct http_request *r)
{
	if (r->orphan_fd >= 0)
		close(r->orphan_fd);
	r->orphan_fd = -1;
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

void http_reply_abandon(struct http_request *r)
{
	static const char *const extra[] = {"Retry-After: 5"};

	r->abandoned = true;
	r->status = 503;
	r->response = make_response((struct str){"", 0}, NULL, extra, 1);
}
