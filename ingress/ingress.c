#include "ingress/ingress.h"
#include "ingress/parked.h"

#include <sys/resource.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/daemon/addresses.h"
#include "proto/io/http_tls.h"

#define TICK_MS 1000
#define CONNECTIONS 8192
#define CONNECTIONS_MIN 16
#define FILES_BESIDE 256 /* links, the spool, the log */
#define DRAIN_TICK_MS 50
#define DRAIN_LEASES_MS 3000 /* then matchers' leases are given back */

static void tick(void *ctx)
{
	struct ingress *g = ctx;
	int64_t now = clock_mono();

	dispatch_tick(g->dispatch);
	ready_tick(g->ready, g->dispatch, now);
	webhook_tick(g->webhook, now);
	spool_prune(g->spool, clock_wall() - SPOOL_KEEP_MS);
	parked_tick(daemon_loop(g->daemon), g->spool, g->dispatch,
		g->conf->ingress.state);
}

static void tell_loggers(void *ctx, const struct msg_status *status)
{
	struct ingress *g = ctx;

	outbox_status(g->outbox, status);
}

/* ---- start --------------------------------------------------------------- */

static struct link_options link_options(const struct conf *conf)
{
	static const char *const admit[] = {"matcher", NULL};

	return (struct link_options){
		.keys = conf->ingress.keys,
		.role = "ingress",
		.admit = admit,
		.plain = conf->links == LINKS_PLAIN,
	};
}

static int start_links(struct ingress *g, struct err *err)
{
	const struct opt_strs *loggers = &g->conf->matcher.logger;
	struct outbox_config oc = {
		.role = "ingress",
		.instance = daemon_instance(g->daemon),
		.logger = (const char *const *)loggers->v,
		.n_logger = loggers->n,
		.link = link_options(g->conf),
	};
	struct dispatch_config dc = {
		.loop = daemon_loop(g->daemon),
		.spool = g->spool,
		.reader = g->reader,
		.link = g->conf->ingress.link,
		.instance = daemon_instance(g->daemon),
		.options = link_options(g->conf),
	};

	oc.link.server_role = "logger";
	dc.outbox = g->outbox = outbox_open(dc.loop, &oc, err);
	if (!g->outbox)
		return -1;
	g->dispatch = dispatch_open(&dc, err);
	return g->dispatch ? 0 : -1;
}

/* As many files as the system grants: a connection is one. How many may be
 * connected, so that a crowd leaves the links and the spool theirs. */
static unsigned raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
		files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) < 0 ||
		files.rlim_cur >= CONNECTIONS + FILES_BESIDE)
		return CONNECTIONS;
	log_warn(NULL, "only %llu files may be open: many slow senders at once "
		"can keep others waiting; raise the limit to %d",
		(unsigned long long)files.rlim_cur, CONNECTIONS + FILES_BESIDE);
	return files.rlim_cur < FILES_BESIDE + CONNECTIONS_MIN
		? CONNECTIONS_MIN : (unsigned)files.rlim_cur - FILES_BESIDE;
}

static struct http_tls_files tls_files(const struct conf_tls *c)
{
	return (struct http_tls_files){c->cert, c->key, c->client_ca};
}

void ingress_check_conf(const struct conf *conf, struct opt_errors *errs)
{
	const struct conf_tls *c = &conf->ingress.tls;
	struct http_tls_files files = tls_files(c);
	struct err err = {0};

	trigger_url_check_conf(conf, errs);
	addresses_check(conf, "ingress", errs);
	if (c->cert && c->key && http_tls_check(&files, &err) < 0)
		opt_error(errs, c->where.file, c->where.line, "tls: %s",
			err.text);
}

/* Senders are asked for a certificate when a source wants one. */
static void ask_for_certificates(struct ingress *g, const struct conf *conf)
{
	bool ask = false;

	CONF_EACH(conf->sources, const struct conf_source, s)
		ask |= s->auth.client_cert.n > 0;
	if (g->tls)
		http_tls_ask(g->tls, ask);
}

static int start_tls(struct ingress *g, struct err *err)
{
	struct http_tls_files files = tls_files(&g->conf->ingress.tls);

	if (!files.cert)
		return 0;
	g->tls = http_tls_open(daemon_loop(g->daemon), &files, err);
	if (!g->tls)
		return -1;
	ask_for_certificates(g, g->conf);
	return 0;
}

static void read_again(void *ctx)
{
	struct ingress *g = ctx;

	if (g->tls)
		http_tls_reload(g->tls);
}

static int start_http(struct ingress *g, struct err *err)
{
	struct webhook_config wc = {
		.loop = daemon_loop(g->daemon),
		.sources = g->sources,
		.spool = g->spool,
		.dispatch = g->dispatch,
		.outbox = g->outbox,
		.ready = g->ready,
	};
	struct http_server_config hc = {
		.listen = g->conf->ingress.http,
		.threads = 4,
		.max_body = (size_t)g->conf->ingress.max_body,
		.idle_ms = 30000,
		.max_per_address = g->conf->trusted_proxies.n ? 0
			: (unsigned)g->conf->ingress.max_per_address,
		.handle = webhook_handle,
		.tls = g->tls,
	};

	hc.max_connections = raise_files();
	hc.ctx = g->webhook = webhook_new(&wc);
	g->http = http_server_start(&hc, err);
	return g->http ? 0 : -1;
}

void *ingress_start(struct daemon *d, const struct conf *conf,
	struct err *err)
{
	struct ingress *g = xcalloc(1, sizeof(*g));
	const char *dir = conf->ingress.state;

	g->daemon = d;
	g->conf = conf;
	g->spool = spool_open(dir, err);
	if (!g->spool)
		goto fail;
	parked_start(dir);
	g->reader = spool_reader_open(dir, err);
	if (!g->reader || start_links(g, err) < 0)
		goto fail;
	g->ready = ready_new(d, dir, g->spool);
	ready_tick(g->ready, g->dispatch, clock_mono());
	g->sources = sources_new(conf, err);
	if (!g->sources || start_tls(g, err) < 0 || start_http(g, err) < 0)
		goto fail;
	g->tick = loop_timer_start(daemon_loop(d), TICK_MS, TICK_MS, tick, g);
	daemon_on_status(d, tell_loggers, g);
	daemon_on_hangup(d, read_again, g);
	return g;
fail:
	ingress_stop(g);
	return NULL;
}

int ingress_reload(void *state, struct conf *conf, struct err *err)
{
	struct ingress *g = state;

	if (sources_replace(g->sources, conf, err) < 0)
		return -1;
	ask_for_certificates(g, conf);
	return 0;
}

/* ---- stop ---------------------------------------------------------------- */

/* Requests under way are answered and acknowledgements written; matchers may
 * finish what they hold for a while, what is left goes back with BYE. */
static void drain_tick(void *ctx)
{
	struct ingress *g = ctx;
	bool late = clock_mono() - g->drain_since > DRAIN_LEASES_MS;

	dispatch_tick(g->dispatch);
	if (webhook_under_way(g->webhook) == 0 &&
		(late || dispatch_drained(g->dispatch)))
		daemon_drained(g->daemon);
}

void ingress_drain(void *state)
{
	struct ingress *g = state;

	ready_drain(g->ready);
	http_server_quiesce(g->http);
	dispatch_drain(g->dispatch);
	g->drain_since = clock_mono();
	g->drain = loop_timer_start(daemon_loop(g->daemon), 0, DRAIN_TICK_MS,
		drain_tick, g);
}

void ingress_stop(void *state)
{
	struct ingress *g = state;

	loop_timer_cancel(&g->drain);
	loop_timer_cancel(&g->tick);
	if (g->http)
		http_server_stop(g->http);
	http_tls_close(g->tls);
	dispatch_close(g->dispatch);
	spool_close(g->spool); /* its last callbacks still reach the others */
	webhook_free(g->webhook);
	sources_free(g->sources);
	ready_free(g->ready);
	dispatch_free(g->dispatch);
	spool_reader_close(g->reader);
	if (g->outbox)
		outbox_close(g->outbox);
	free(g);
}
