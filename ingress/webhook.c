#include "ingress/webhook.h"

#include "ingress/answer.h"
#include "ingress/health.h"
#include "ingress/intake.h"
#include "ingress/peer.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/data/json.h"

#define PREFIX "/v1/webhooks/"
#define HOOK "/hook/trigger"

struct webhook {
	struct webhook_config c;
	struct refusals refusals;
	struct intake *intake;
};

/* ---- routes -------------------------------------------------------------- */

static const char *view_header(const void *ctx, const char *name)
{
	return http_request_header(ctx, name);
}

static const char *view_query(const void *ctx, const char *key)
{
	return http_request_query(ctx, key);
}

static const char *view_identity(const void *ctx, size_t i)
{
	return http_request_identity(ctx, i);
}

/* May the sender, who is known by now, post? Refused when not. */
static bool has_room(struct webhook *w, const struct sources_set *set,
	const struct caller *c)
{
	int seconds = limit_take(set->limit, c->source, clock_mono());
	struct err err = {0};

	if (seconds)
		answer_later(c, 429, seconds, "the source posts more often than "
			"its `rate` and `burst` allow");
	else if (ready_accepts(w->c.ready, &err) < 0)
		answer_later(c, 503, err.code, err.text);
	else
		return true;
	return false;
}

/* What the server found wrong: true when the request was refused for it. */
static bool refuse_fault(const struct caller *c)
{
	static const int statuses[] = {
		[HTTP_TOO_LARGE] = 413,
		[HTTP_BAD_REQUEST] = 400,
		[HTTP_BAD_ENCODING] = 415,
	};
	enum http_fault fault = http_request_fault(c->req);

	if (fault == HTTP_OK)
		return false;
	answer_refusal(c, statuses[fault], NULL, "%s",
		http_request_fault_text(c->req));
	return true;
}

static void handle_webhook(struct webhook *w, const struct sources_set *set,
	struct http_request *req, const char *name)
{
	struct request view = {http_request_body(req), view_header, view_query,
		req, view_identity};
	char sender[PEER_LEN];
	struct caller c = {&w->refusals, req,
		conf_source(set->conf, str_from(name)), sender,
		http_request_path(req)};
	struct err err = {0};
	bool options;

	peer_of_request(&set->conf->trusted_proxies, req, sender);
	if (refuse_fault(&c))
		return;
	options = !strcmp(http_request_method(req), "OPTIONS");
	if (!options && strcmp(http_request_method(req), "POST") != 0)
		answer_refusal(&c, 405, "Allow: POST", "a webhook is a POST");
	else if (auth_check(set->auth, c.source, &view, sender,
			 http_request_time(req), &err) < 0)
		answer_refusal(&c, 401, "WWW-Authenticate: Bearer", "%s", err.text);
	else if (options)
		answer_options(&c);
	else if (has_room(w, set, &c))
		intake_take(w->intake, &c, &view, c.source, NULL);
}

/* Images are pulled from where the trigger says, since the notification does
 * not. */
static void take_notification(struct webhook *w, const struct caller *c,
	const struct request *view, const struct conf_trigger *t)
{
	struct str host = str_cut(str_from(t->repository), 0,
		conf_host_len(t->repository));
	struct conf_source as = *c->source;

	if (host.n && str_find(host, '*') == host.n)
		as.registry = xmemdup0(host.p, host.n);
	intake_take(w->intake, c, view, &as, t->name);
	free(as.registry);
}

/* A trigger's own URL: the query says which trigger, and proves it. */
static void handle_hook(struct webhook *w, const struct sources_set *set,
	struct http_request *req)
{
	/* What rows name instead of a configured source. */
	static const struct conf_source own = {
		.name = (char *)(uintptr_t)"trigger-url",
		.type = SOURCE_AUTO,
		.enabled = true,
	};
	struct request view = {http_request_body(req), view_header, view_query,
		req, view_identity};
	char sender[PEER_LEN];
	struct caller c = {&w->refusals, req, &own, sender,
		http_request_path(req)};
	const struct conf_trigger *t;
	struct err err = {0};

	peer_of_request(&set->conf->trusted_proxies, req, sender);
	if (refuse_fault(&c))
		return;
	if (strcmp(http_request_method(req), "POST") != 0) {
		answer_refusal(&c, 405, "Allow: POST", "a notification is a "
			"POST");
		return;
	}
	t = trigger_url_check(set->trigger_url,
		http_request_query(req, "triggerUrl"),
		http_request_query(req, "secret"), &err);
	if (!t)
		answer_refusal(&c, 401, NULL, "%s", err.text);
	else if (has_room(w, set, &c))
		take_notification(w, &c, &view, t);
}

void webhook_handle(void *ctx, struct http_request *req)
{
	struct webhook *w = ctx;
	struct sources_set *set = sources_get(w->c.sources);
	const char *path = http_request_path(req);
	struct json *body;

	/* Without a path it broke off: perhaps a webhook, so it has a row. */
	if (!*path) {
		handle_webhook(w, set, req, "");
	} else if (!strncmp(path, PREFIX, sizeof(PREFIX) - 1)) {
		handle_webhook(w, set, req, path + sizeof(PREFIX) - 1);
	} else if (!strcmp(path, HOOK)) {
		handle_hook(w, set, req);
	} else if (!strcmp(path, "/healthz") || !strcmp(path, "/readyz")) {
		health_answer(w->c.ready, req, path[1] == 'r');
	} else {
		body = json_new_object();
		json_set_str(body, "error", "there is nothing here: webhooks "
			"go to " PREFIX "SOURCE");
		answer_json(req, 404, body, NULL);
	}
	sources_put(w->c.sources, set);
}

/* ---- life ---------------------------------------------------------------- */

struct webhook *webhook_new(const struct webhook_config *c)
{
	struct webhook *w = xcalloc(1, sizeof(*w));

	w->c = *c;
	refusals_init(&w->refusals, c->outbox);
	w->intake = intake_new(&(struct intake_config){c->loop, c->spool,
		c->dispatch, c->outbox, &w->refusals});
	return w;
}

void webhook_free(struct webhook *w)
{
	if (!w)
		return;
	intake_free(w->intake);
	refusals_destroy(&w->refusals);
	free(w);
}

void webhook_tick(struct webhook *w, int64_t now)
{
	refusals_tick(&w->refusals, now);
}

size_t webhook_under_way(struct webhook *w)
{
	return intake_under_way(w->intake);
}
