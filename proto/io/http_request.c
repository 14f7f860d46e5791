#include "proto/io/http_request.h"

#include <stdarg.h>
#include <strings.h>
#include <unistd.h>

#include "proto/base/enc.h"
#include "proto/base/mem.h"

/* Above what the limits let in, with the alignment of each text. */
#define ARENA_MAX ((size_t)64 << 10)

struct http_request *http_request_new(size_t max_body)
{
	struct http_request *r = xcalloc(1, sizeof(*r));

	arena_init(&r->arena, ARENA_MAX);
	pthread_mutex_init(&r->lock, NULL);
	r->refs = 1;
	r->orphan_fd = -1;
	r->max_body = max_body;
	r->body.limit = max_body + 1; /* 0 would mean the default */
	return r;
}

void http_request_unref(struct http_request *r)
{
	unsigned left;

	pthread_mutex_lock(&r->lock);
	left = --r->refs;
	pthread_mutex_unlock(&r->lock);
	if (left > 0)
		return;
	if (r->orphan_fd >= 0)
		close(r->orphan_fd);
	pthread_mutex_destroy(&r->lock);
	strbuf_release(&r->body);
	arena_free(&r->arena);
	free(r);
}

/* ---- faults ------------------------------------------------------------ */

void http_request_fail(struct http_request *r, enum http_fault fault,
	const char *fmt, ...)
{
	va_list ap;

	if (r->fault != HTTP_OK)
		return;
	r->fault = fault;
	va_start(ap, fmt);
	vsnprintf(r->fault_text, sizeof(r->fault_text), fmt, ap);
	va_end(ap);
	strbuf_release(&r->body);
}

void http_request_fail_framing(struct http_request *r, const char *text)
{
	http_request_fail(r, HTTP_BAD_REQUEST, "%s", text);
	r->close_now = true;
}

/* ---- request line ------------------------------------------------------ */

/* RFC 9110, 5.6.2. */
static bool is_token(struct str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z');

		if (!alnum && (c == '\0' || !strchr(others, c)))
			return false;
	}
	return s.n > 0;
}

/* Percent-decoded; NULL when it is not well formed or holds a NUL. */
static const char *decode(struct http_request *r, struct str s)
{
	char *out = arena_alloc(&r->arena, s.n + 1);
	size_t n = 0;

	if (!out)
		return NULL;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '%' &&
			enc_unhex(str_cut(s, i + 1, i + 3), &c, 1) != 0)
			return NULL;
		if (c == '\0')
			return NULL;
		if (s.p[i] == '%')
			i += 2;
		out[n++] = c;
	}
	out[n] = '\0';
	return out;
}

static void add_query(struct http_request *r, struct str part)
{
	size_t eq = str_find(part, '=');
	struct http_pair *q = &r->query[r->n_query];

	q->name = decode(r, str_cut(part, 0, eq));
	q->value = decode(r, str_cut(part, eq + 1, part.n));
	if (!q->name || !q->value) {
		http_request_fail(r, HTTP_BAD_REQUEST,
			"the query of the target is not well percent-encoded");
		return;
	}
	r->n_query++;
}

static void set_query(struct http_request *r, struct str query)
{
	struct str part;

	r->query = arena_alloc(&r->arena, HTTP_QUERY_MAX * sizeof(*r->query));
	while (str_split(&query, '&', &part)) {
		if (part.n == 0)
			continue;
		if (r->n_query == HTTP_QUERY_MAX) {
			http_request_fail(r, HTTP_BAD_REQUEST,
				"the target has more than %zu query keys",
				HTTP_QUERY_MAX);
			return;
		}
		add_query(r, part);
	}
}

void http_request_set_target(struct http_request *r, const char *target)
{
	struct str t = str_from(target);
	size_t mark;

	if (t.n > HTTP_TARGET_MAX) {
		http_request_fail(r, HTTP_BAD_REQUEST,
			"the target is longer than %zu bytes", HTTP_TARGET_MAX);
		t.n = HTTP_TARGET_MAX;
	}
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] > '~')
			http_request_fail(r, HTTP_BAD_REQUEST,
				"the target has a byte that must be "
				"percent-encoded");
	mark = str_find(t, '?');
	r->path = arena_strdup(&r->arena, str_cut(t, 0, mark));
	if (r->fault == HTTP_OK && mark < t.n)
		set_query(r, str_cut(t, mark + 1, t.n));
}

void http_request_set_method(struct http_request *r, const char *method)
{
	struct str m = str_from(method);

	if (m.n > 16 || !is_token(m))
		http_request_fail_framing(r, "the method is not a method");
	r->method = arena_strdup(&r->arena, str_cut(m, 0, 16));
}

/* ---- headers ----------------------------------------------------------- */

void http_request_add_header(struct http_request *r, struct str name,
	struct str value)
{
	struct http_pair *h;

	r->header_bytes += name.n + value.n + 4;
	if (r->n_headers == HTTP_FIELDS_MAX ||
		r->header_bytes > HTTP_HEADERS_MAX) {
		http_request_fail(r, HTTP_BAD_REQUEST,
			"the headers are more than %zu fields or %zu bytes",
			HTTP_FIELDS_MAX, HTTP_HEADERS_MAX);
		/* A length that is not kept might be among the rest. */
		r->close_now = true;
		return;
	}
	if (!is_token(name))
		http_request_fail_framing(r,
			"a header's name is not a token");
	value = str_trim(value);
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			http_request_fail_framing(r,
				"a header's value has a control byte");
	}
	if (!r->headers)
		r->headers = arena_alloc(&r->arena,
			HTTP_FIELDS_MAX * sizeof(*r->headers));
	h = &r->headers[r->n_headers];
	h->name = arena_strdup(&r->arena, name);
	h->value = arena_strdup(&r->arena, value);
	if (h->name && h->value)
		r->n_headers++;
}

static size_t count_headers(const struct http_request *r, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n_headers; i++)
		n += strcasecmp(r->headers[i].name, name) == 0;
	return n;
}

static void check_lengths(struct http_request *r, const char *version)
{
	size_t lengths = count_headers(r, "Content-Length");
	size_t codings = count_headers(r, "Transfer-Encoding");
	const char *coding = http_request_header(r, "Transfer-Encoding");

	if (lengths > 1)
		http_request_fail_framing(r, "Content-Length is repeated");
	if (lengths > 0 && codings > 0)
		http_request_fail_framing(r,
			"both Content-Length and Transfer-Encoding are given");
	if (codings > 1)
		http_request_fail_framing(r, "Transfer-Encoding is repeated");
	if (codings > 0 && strcasecmp(coding, "chunked") != 0)
		http_request_fail_framing(r,
			"a Transfer-Encoding other than chunked is not taken");
	if (codings > 0 && strcmp(version, "HTTP/1.1") != 0)
		http_request_fail_framing(r,
			"Transfer-Encoding does not go with HTTP/1.0");
}

static void check_length(struct http_request *r)
{
	const char *text = http_request_header(r, "Content-Length");
	uint64_t length;

	if (!text)
		return;
	if (str_to_u64(str_from(text), &length) != 0) {
		http_request_fail_framing(r, "Content-Length is no length");
		return;
	}
	if (length > r->max_body)
		http_request_fail(r, HTTP_TOO_LARGE,
			"the body has %llu bytes, %zu are taken",
			(unsigned long long)length, r->max_body);
	if (length > r->max_body &&
		length - r->max_body > (uint64_t)HTTP_DRAIN_MAX)
		r->close_now = true;
}

void http_request_check(struct http_request *r, const char *version)
{
	check_lengths(r, version);
	if (count_headers(r, "Host") > 1)
		http_request_fail_framing(r, "Host is repeated");
	if (http_request_header(r, "Content-Encoding"))
		http_request_fail(r, HTTP_BAD_ENCODING,
			"a body with a Content-Encoding is not taken");
	check_length(r);
	if (arena_failed(&r->arena))
		http_request_fail_framing(r, "the headers are too large");
	/* Who waits for 100 Continue has not sent the body yet. */
	if (r->fault != HTTP_OK && http_request_header(r, "Expect"))
		r->close_now = true;
}

void http_request_add_identity(struct http_request *r, struct str name)
{
	char *copy = r->n_identity < HTTP_IDENTITY_MAX
		? arena_strdup(&r->arena, name) : NULL;

	if (copy)
		r->identity[r->n_identity++] = copy;
}

/* ---- body -------------------------------------------------------------- */

void http_request_add_body(struct http_request *r, struct str data)
{
	r->received += data.n;
	if (r->received > r->max_body)
		http_request_fail(r, HTTP_TOO_LARGE,
			"the body has more than %zu bytes", r->max_body);
	if (r->fault == HTTP_OK)
		strbuf_add_str(&r->body, data);
}

bool http_request_overrun(const struct http_request *r)
{
	return r->received > r->max_body &&
		r->received - r->max_body > HTTP_DRAIN_MAX;
}

/* ---- for the handler --------------------------------------------------- */

enum http_fault http_request_fault(const struct http_request *r)
{
	return r->fault;
}

const char *http_request_fault_text(const struct http_request *r)
{
	return r->fault_text;
}

const char *http_request_method(const struct http_request *r)
{
	return r->method ? r->method : "";
}

const char *http_request_path(const struct http_request *r)
{
	return r->path ? r->path : "";
}

bool http_request_query_at(const struct http_request *r, size_t i,
	const char **key, const char **value)
{
	if (i >= r->n_query)
		return false;
	*key = r->query[i].name;
	*value = r->query[i].value;
	return true;
}

const char *http_request_query(const struct http_request *r, const char *key)
{
	for (size_t i = 0; i < r->n_query; i++)
		if (strcmp(r->query[i].name, key) == 0)
			return r->query[i].value;
	return NULL;
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (strcasecmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	return NULL;
}

bool http_request_header_at(const struct http_request *r, size_t i,
	const char **name, const char **value)
{
	if (i >= r->n_headers)
		return false;
	*name = r->headers[i].name;
	*value = r->headers[i].value;
	return true;
}

struct str http_request_body(const struct http_request *r)
{
	if (r->fault != HTTP_OK)
		return (struct str){"", 0};
	return strbuf_str(&r->body);
}

const char *http_request_peer(const struct http_request *r)
{
	return r->peer;
}

const char *http_request_identity(const struct http_request *r, size_t i)
{
	return i < r->n_identity ? r->identity[i] : NULL;
}

int64_t http_request_time(const struct http_request *r)
{
	return r->time;
}
