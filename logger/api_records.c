/* Rows: pages of them, one, those of an event, and as they come. */
#include "logger/api_call.h"

#include "logger/row.h"
#include "proto/base/clock.h"
#include "proto/data/json.h"

#define PAGE_MAX ((size_t)32 << 20) /* bytes of an answer */

/* Each parameter once; others than skip are the query's. */
static int read_query(struct http_request *req, struct query *q,
	const char *skip, struct err *err)
{
	const char *key, *value, *before, *unused;
	int64_t now = clock_wall();

	for (size_t i = 0; http_request_query_at(req, i, &key, &value); i++) {
		for (size_t k = 0; k < i; k++) {
			http_request_query_at(req, k, &before, &unused);
			if (strcmp(before, key) == 0)
				return err_fail(err, "%.64s: given twice", key);
		}
		if (skip != NULL && strcmp(key, skip) == 0)
			continue;
		if (query_set(q, key, value ? value : "", now, err) < 0)
			return -1;
	}
	return 0;
}

struct page {
	struct strbuf body;
	int64_t rows, limit;
	struct query_cursor last;
	bool more;
	size_t first, second; /* where these rows begin, of a turned page */
};

/* The query asks for one row above the limit: it says that there is more. */
static int add_row(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct page *p = ctx;

	if (p->rows == p->limit) {
		p->more = true;
		return 1;
	}
	if (p->rows++ > 0)
		strbuf_add_char(&p->body, ',');
	row_json(r, &p->body);
	p->last = *at;
	return 0;
}

/* The newest rows, turned round: the one above the limit comes first, and the
 * older ones are before the second. */
static int add_turned(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	struct page *p = ctx;

	if (p->rows > 0)
		strbuf_add_char(&p->body, ',');
	if (p->rows < 2) {
		p->first = p->rows == 0 ? p->body.len : p->first;
		p->second = p->body.len;
		p->last = *at;
	}
	p->rows++;
	row_json(r, &p->body);
	return 0;
}

static void cut_first(struct page *p)
{
	size_t n = p->second - p->first;

	p->more = p->rows > p->limit;
	if (!p->more || p->body.failed)
		return;
	memmove(p->body.buf + p->first, p->body.buf + p->second,
		p->body.len - p->second);
	strbuf_truncate(&p->body, p->body.len - n);
}

static void answer_page(struct http_request *req, struct page *p)
{
	char cursor[QUERY_CURSOR_LEN];

	strbuf_add_cstr(&p->body, "],\"next\":");
	if (p->more)
		strbuf_addf(&p->body, "\"%s\"", query_cursor(&p->last, cursor));
	else
		strbuf_add_cstr(&p->body, "null");
	strbuf_add_char(&p->body, '}');
	if (!p->body.failed) {
		answer_json(req, 200, &p->body);
		return;
	}
	strbuf_release(&p->body);
	answer_error(req, 400, NULL, "limit: these rows are too large for one "
		"page; ask for fewer");
}

/* What the query finds, after what is in the body already. */
static void answer_query(struct api_call *c, struct query *q, struct page *p)
{
	bool turned = q->order == QUERY_OLDEST_FIRST;
	struct err err = {0};

	p->limit = q->limit++;
	strbuf_add_cstr(&p->body, "\"records\":[");
	if (store_query(c->api->store, q, turned ? add_turned : add_row, p,
		    &err) < 0) {
		strbuf_release(&p->body);
		answer_error(c->req, 503, NULL, "%s", err.text);
		return;
	}
	if (turned)
		cut_first(p);
	answer_page(c->req, p);
}

void api_get_records(struct api_call *c)
{
	struct page p = {.body = {.limit = PAGE_MAX}};
	struct err err = {0};
	struct query q;

	query_init(&q);
	if (read_query(c->req, &q, NULL, &err) < 0) {
		answer_error(c->req, 400, NULL, "%s", err.text);
	} else {
		strbuf_add_char(&p.body, '{');
		answer_query(c, &q, &p);
	}
	query_release(&q);
}

/* An event's rows are asked for by its id and a cursor alone. */
static int only_after(const struct http_request *req, struct err *err)
{
	const char *key, *value;

	for (size_t i = 0; http_request_query_at(req, i, &key, &value); i++) {
		if (strcmp(key, "after") != 0)
			return err_fail(err, "`%.64s` is no parameter: after",
				key);
	}
	return 0;
}

/* All rows of one, the oldest first. */
void api_get_event(struct api_call *c)
{
	struct page p = {.body = {.limit = PAGE_MAX}};
	struct err err = {0};
	struct query q;

	query_init(&q);
	if (only_after(c->req, &err) < 0 ||
		query_set(&q, "event", c->id, 0, &err) < 0 ||
		read_query(c->req, &q, NULL, &err) < 0) {
		answer_error(c->req, 400, NULL, "%s", err.text);
		query_release(&q);
		return;
	}
	q.limit = QUERY_LIMIT_MAX;
	q.order = QUERY_OLDEST_FIRST;
	strbuf_add_cstr(&p.body, "{\"event\":");
	json_write_str(str_from(c->id), &p.body);
	strbuf_add_char(&p.body, ',');
	answer_query(c, &q, &p);
	query_release(&q);
}

static int add_one(void *ctx, const struct record *r,
	const struct query_cursor *at)
{
	(void)at;
	row_json(r, ctx);
	return 1;
}

void api_get_record(struct api_call *c)
{
	struct strbuf body = {0};
	struct err err = {0};
	int rc = store_get(c->api->store, c->id, add_one, &body, &err);

	if (rc > 0) {
		answer_json(c->req, 200, &body);
		return;
	}
	strbuf_release(&body);
	if (rc < 0)
		answer_error(c->req, 503, NULL, "%s", err.text);
	else
		answer_error(c->req, 404, NULL,
			"there is no row with this id");
}

/* Where the client was: what the browser says, or else the parameter. */
static int last_of(const struct http_request *req, int64_t *seq,
	struct err *err)
{
	const char *text = http_request_header(req, "Last-Event-ID");

	if (text == NULL || !*text)
		text = http_request_query(req, "last");
	*seq = -1;
	if (text == NULL)
		return 0;
	if (str_to_i64(str_from(text), seq) < 0 || *seq < 0)
		return err_fail(err, "last: `%.64s` is not the id of an event "
			"of this stream", text);
	return 0;
}

void api_get_stream(struct api_call *c)
{
	struct err err = {0};
	struct query q;
	int64_t last;

	query_init(&q);
	if (read_query(c->req, &q, "last", &err) < 0 ||
		last_of(c->req, &last, &err) < 0)
		answer_error(c->req, 400, NULL, "%s", err.text);
	else if (stream_add(c->api->stream, c->req, c->who, &q, last) < 0)
		answer_error(c->req, 503, "Retry-After: 10",
			"more than %d streams are open", STREAM_CLIENTS_MAX);
	query_release(&q);
}
