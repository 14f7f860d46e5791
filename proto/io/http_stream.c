#include "proto/io/http_stream.h"

#include <microhttpd.h>

#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/io/http_reply.h"

#define BLOCK ((size_t)16 << 10)

struct http_stream {
	pthread_mutex_t lock;
	unsigned refs;
	struct MHD_Connection *conn; /* NULL: gone */
	struct strbuf waiting;       /* what the library has not taken */
	bool suspended; /* the library waits for more */
	bool ended;     /* no more comes */
};

void http_stream_unref(struct http_stream *s)
{
	bool last;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	last = --s->refs == 0;
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	strbuf_release(&s->waiting);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* With the lock. */
static void wake(struct http_stream *s)
{
	if (s->conn && s->suspended) {
		s->suspended = false;
		MHD_resume_connection(s->conn);
	}
}

/* The library wants up to max bytes; on a thread of its pool. */
static ssize_t on_room(void *cls, uint64_t at UNUSED, char *buf, size_t max)
{
	struct http_stream *s = cls;
	bool more;
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->waiting.len < max ? s->waiting.len : max;
	if (n > 0) {
		memcpy(buf, s->waiting.buf, n);
		memmove(s->waiting.buf, s->waiting.buf + n,
			s->waiting.len - n);
		strbuf_truncate(&s->waiting, s->waiting.len - n);
	} else if (!s->ended && s->conn) {
		s->suspended = true;
		MHD_suspend_connection(s->conn);
	}
	more = n > 0 || s->suspended;
	pthread_mutex_unlock(&s->lock);
	return more ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

void http_stream_gone(struct http_stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->conn = NULL;
	pthread_mutex_unlock(&s->lock);
}

void http_stream_stop(struct http_stream *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

struct http_stream *http_reply_stream(struct http_request *r, int status,
	const char *content_type, const char *const *extra, size_t n_extra)
{
	struct http_stream *s = xcalloc(1, sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	s->refs = 1;
	pthread_mutex_lock(&r->lock);
	if (r->orphan_fd < 0 && !r->abandoned && r->conn) {
		s->conn = r->conn;
		s->refs++;
		r->stream = s;
		r->status = status;
		r->response = MHD_create_response_from_callback(
			MHD_SIZE_UNKNOWN, BLOCK, on_room, s, NULL);
		if (!r->response)
			log_fatal("out of memory");
		http_reply_headers(r->response, content_type, extra, n_extra);
		if (r->step == HTTP_WAITING)
			MHD_resume_connection(r->conn);
	}
	http_reply_close_orphan(r);
	r->step = HTTP_ANSWERED;
	pthread_mutex_unlock(&r->lock);
	http_request_unref(r);
	return s;
}

int http_stream_write(struct http_stream *s, struct str data)
{
	int rc = -1;

	pthread_mutex_lock(&s->lock);
	if (s->conn && !s->ended &&
		data.n <= HTTP_STREAM_MAX - s->waiting.len) {
		strbuf_add_str(&s->waiting, data);
		wake(s);
		rc = 0;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

size_t http_stream_waiting(struct http_stream *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->conn ? s->waiting.len : 0;
	pthread_mutex_unlock(&s->lock);
	return n;
}

void http_stream_close(struct http_stream *s)
{
	if (!s)
		return;
	http_stream_stop(s);
	http_stream_unref(s);
}
