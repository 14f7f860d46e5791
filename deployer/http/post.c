#include "deployer/http/post.h"

#include <netdb.h>

#include "deployer/http/notification.h"
#include "deployer/http/signature.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/vec.h"

#define CONNECT_MS 10000
#define TOTAL_MS 30000
#define BODY_KEPT ((size_t)8 << 10)

struct poster {
	struct http_client *client;
	struct egress *egress;
	char *proxy; /* or NULL */
	struct list posts;
};

struct post {
	struct list node;
	const struct egress *egress;
	bool by_proxy;
	struct http_handle *handle;
	const struct conf_trigger *trigger;
	enum egress_verdict verdict; /* the worst of all its addresses */
	struct err refusal;
	VEC(char *) headers; /* ours, then the trigger's */
	size_t n_own;
	struct strbuf body;
	const char *method;
	void (*done)(void *ctx, const struct post_result *res);
	void *ctx;
};

static void post_free(struct post *p)
{
	list_remove(&p->node);
	for (size_t i = 0; i < p->headers.n; i++)
		free(p->headers.v[i]);
	VEC_RELEASE(&p->headers);
	strbuf_release(&p->body);
	free(p);
}

/* ---- the end ------------------------------------------------------------------- */

static void hide_value(char **line)
{
	char *hidden = xprintf("%.*s: ***",
		(int)str_find(str_from(*line), ':'), *line);

	free(*line);
	*line = hidden;
}

static void describe(struct post *p, const struct http_result *res,
	struct strbuf *request, struct strbuf *response)
{
	struct strbuf url = {0};

	/* It is over: the values of the trigger's headers, which may be
	 * secrets, are not needed any more. */
	for (size_t i = p->n_own; i < p->headers.n; i++)
		hide_value(&p->headers.v[i]);
	conf_trigger_url(p->trigger, &url);
	notification_request(p->method, strbuf_cstr(&url), p->by_proxy,
		(const char *const *)p->headers.v, p->headers.n,
		strbuf_str(&p->body), request);
	strbuf_release(&url);
	if (res->status)
		notification_response(res, response);
}

static void over(void *ctx, const struct http_result *res,
	const struct err *err)
{
	struct post *p = ctx;
	bool refused = err && err->code == HTTP_FAIL_ADDRESS;
	struct strbuf request = {0}, response = {0};
	char number[8], after[64];
	struct post_result r = {
		.status = notification_status(res, err, number),
		.delivered = notification_delivered(res, err),
		.hopeless = refused && p->verdict == EGRESS_LOOP,
		.slow = notification_slow(res, err),
		.gone = !err && res->status == 410,
		.duration_ms = res->duration_ms,
	};

	if (r.hopeless)
		r.status = "loop_blocked";
	if (http_result_header(res, "Retry-After", after, sizeof(after)))
		r.retry_after = after;
	if (err)
		snprintf(r.reason, sizeof(r.reason), "%s",
			refused ? p->refusal.text : err->text);
	else
		snprintf(r.reason, sizeof(r.reason),
			"the trigger URL answered %d", res->status);
	describe(p, res, &request, &response);
	r.request = strbuf_cstr(&request);
	r.response = response.len ? strbuf_cstr(&response) : NULL;
	p->done(p->ctx, &r);
	strbuf_release(&request);
	strbuf_release(&response);
	post_free(p);
}

/* ---- the start ------------------------------------------------------------------- */

/* Asked for each address of each attempt, right before it is connected to. */
static bool allow_address(void *ctx, const struct sockaddr *addr)
{
	struct post *p = ctx;
	struct err err;
	enum egress_verdict v = egress_judge(p->egress, addr, &err);

	/* The proxy's own address is the operator's choice. */
	if (v == EGRESS_OPEN || (p->by_proxy && v == EGRESS_BLOCKED))
		return true;
	if (p->verdict != EGRESS_LOOP) {
		p->verdict = v;
		p->refusal = err;
	}
	return false;
}

static const char *url_of(const struct post_spec *s)
{
	return s->form ? strbuf_cstr(&s->form->url) : s->trigger->url;
}

/* Of a host that is an address in whatever spelling; a name is the proxy's to
 * resolve. */
static enum egress_verdict judge_literal(const struct egress *e,
	const struct url *url, struct err *err)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	enum egress_verdict v = EGRESS_OPEN;
	char port[8];

	snprintf(port, sizeof(port), "%d", url->port);
	if (getaddrinfo(url->host, port, &hints, &found) != 0)
		return EGRESS_OPEN;
	for (struct addrinfo *i = found; i && v == EGRESS_OPEN; i = i->ai_next)
		v = egress_judge(e, i->ai_addr, err);
	freeaddrinfo(found);
	return v;
}

/* The status of the row when it may not be sent at all; NULL: it may. */
static const char *against_rules(const struct poster *p,
	const struct post_spec *s, struct err *err)
{
	enum egress_verdict v = EGRESS_OPEN;
	struct url url;

	if (url_parse(str_from(url_of(s)), &url, err) < 0 ||
		url_policy(&url, err) < 0)
		return "blocked_port";
	if (p->proxy)
		v = judge_literal(p->egress, &url, err);
	if (v != EGRESS_OPEN)
		return v == EGRESS_LOOP ? "loop_blocked" : "blocked_address";
	if (s->hops < EVENT_HOPS_MAX)
		return NULL;
	err_fail(err, "the push has come over %d other Pullwires already: "
		      "their trigger URLs form a loop", EVENT_HOPS_MAX);
	return "loop_blocked";
}

static void set_headers(struct post *p, const struct post_spec *s)
{
	const struct conf_trigger *t = s->trigger;
	int64_t seconds = clock_wall() / 1000;
	struct strbuf signatures = {0};

	VEC_PUSH(&p->headers, xprintf("Content-Type: %s",
		s->form ? s->form->content_type : "application/json"));
	VEC_PUSH(&p->headers, xstrdup("User-Agent: Pullwire/" PULLWIRE_VERSION));
	VEC_PUSH(&p->headers, xprintf("Idempotency-Key: %s", s->id));
	VEC_PUSH(&p->headers, xprintf("webhook-id: %s", s->id));
	VEC_PUSH(&p->headers,
		xprintf("webhook-timestamp: %lld", (long long)seconds));
	signature_add(&t->secret, s->id, seconds, s->body, &signatures);
	if (signatures.len)
		VEC_PUSH(&p->headers, xprintf("webhook-signature: %s",
					      strbuf_cstr(&signatures)));
	strbuf_release(&signatures);
	VEC_PUSH(&p->headers, xprintf(EVENT_HOPS_HEADER ": %lld",
				      (long long)s->hops + 1));
	for (size_t i = 0; s->form && i < ARRAY_LEN(s->form->headers) &&
		s->form->headers[i]; i++)
		VEC_PUSH(&p->headers, xstrdup(s->form->headers[i]));
	p->n_own = p->headers.n;
	for (size_t i = 0; i < t->headers.n; i++)
		VEC_PUSH(&p->headers, xstrdup(t->headers.v[i]));
}

void post_start(struct poster *poster, const struct post_spec *spec,
	void (*done)(void *ctx, const struct post_result *res), void *ctx)
{
	struct post_result r = {.hopeless = true};
	struct err err;
	struct post *p;
	struct http_call call = {
		.method = spec->form ? spec->form->method : "POST",
		.url = url_of(spec),
		.proxy = poster->proxy,
		.connect_ms = CONNECT_MS,
		.total_ms = TOTAL_MS,
		.max_body = BODY_KEPT,
		.truncate = true,
		.allow_address = allow_address,
	};

	r.status = against_rules(poster, spec, &err);
	if (r.status) {
		snprintf(r.reason, sizeof(r.reason), "%s", err.text);
		done(ctx, &r);
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->egress = poster->egress;
	p->by_proxy = poster->proxy != NULL;
	p->trigger = spec->trigger;
	p->method = call.method;
	p->done = done;
	p->ctx = ctx;
	strbuf_add_str(&p->body, spec->body);
	set_headers(p, spec);
	list_push_back(&poster->posts, &p->node);
	call.ctx = p;
	call.headers = (const char *const *)p->headers.v;
	call.n_headers = p->headers.n;
	call.body = strbuf_str(&p->body);
	p->handle = http_client_start(poster->client, &call, over, p);
}

/* ---- life -------------------------------------------------------------------------- */

struct poster *poster_new(struct loop *l, const struct conf *conf)
{
	struct poster *p = xcalloc(1, sizeof(*p));

	p->client = http_client_new(l);
	p->egress = egress_new(conf);
	p->proxy = xstrdup_null(conf->deployer.proxy);
	list_init(&p->posts);
	return p;
}

void poster_free(struct poster *p)
{
	if (!p)
		return;
	LIST_EACH(&p->posts, node) {
		struct post *post = CONTAINER_OF(node, struct post, node);

		http_handle_cancel(&post->handle);
		post_free(post);
	}
	http_client_free(p->client);
	egress_free(p->egress);
	free(p->proxy);
	free(p);
}
