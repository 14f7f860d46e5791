#include "logger/logger.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"
#include "proto/daemon/addresses.h"
#include "proto/io/http_tls.h"

#define TICK_MS 1000
#define DRAIN_TICK_MS 20
#define DRAIN_STORE_MS 3000 /* then rows of a store that is silent go back */
#define OUTPUT_WAIT_MS 2000 /* for a reader of standard output, at the end */

/* ---- configuration --------------------------------------------------------- */

bool logger_is_loopback(const char *listen)
{
	const char *colon = strrchr(listen, ':');
	struct str host = {listen, colon ? (size_t)(colon - listen)
					 : strlen(listen)};
	struct in6_addr v6;
	struct in_addr v4;
	char text[64];

	if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
		host = str_cut(host, 1, host.n - 1);
	if (host.n >= sizeof(text))
		return false;
	memcpy(text, host.p, host.n);
	text[host.n] = '\0';
	if (inet_pton(AF_INET, text, &v4) == 1)
		return ntohl(v4.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, text, &v6) == 1)
		return memcmp(&v6, &in6addr_loopback, sizeof(v6)) == 0;
	return strcmp(text, "localhost") == 0;
}

static struct http_tls_files tls_files(const struct conf_tls *c)
{
	return (struct http_tls_files){c->cert, c->key, c->client_ca};
}

static bool wants_certificates(const struct conf_logger *c)
{
	bool wants = false;

	CONF_EACH(c->tokens, const struct conf_token, t)
		wants |= t->client_cert.n > 0;
	return wants;
}

void logger_check(const struct conf *conf, struct opt_errors *errs)
{
	const struct conf_logger *c = &conf->logger;
	const char *file = c->where.file ? c->where.file : conf->path;
	struct http_tls_files files = tls_files(&c->tls);
	struct err err;

	addresses_check(conf, "logger", errs);
	if (c->tls.cert && c->tls.key && http_tls_check(&files, &err) < 0)
		opt_error(errs, file, c->tls.where.line, "logger.tls: %s",
			err.text);
	if (c->tls.client_ca && !wants_certificates(c))
		opt_error(errs, file, c->tls.where.line, "logger.tls.client_ca "
			"lets nobody in by itself: name in `client_cert` of "
			"`logger.tokens` whose certificate is good for what");
	if (!c->http || logger_is_loopback(c->http))
		return;
	if (c->tokens.n == 0)
		opt_error(errs, file, c->where.line, "logger.http: `%s` is "
			"reachable from other machines, so `logger.tokens` must "
			"say who may see the access log; `pullwire-logger token "
			"NAME` makes one. Or write 127.0.0.1:PORT", c->http);
	if (!c->tls.cert && !c->plain_http)
		opt_error(errs, file, c->where.line, "logger.http: `%s` is "
			"reachable from other machines, and tokens would travel "
			"as plain text: set `logger.tls`, or `logger.plain_http: "
			"true` when a proxy in front ends TLS", c->http);
}

/* ---- start ------------------------------------------------------------------- */

static void tick(void *ctx)
{
	struct logger *g = ctx;
	struct err err = {0};

	if (store_check(g->store, &err) < 0 ||
		intake_check(g->intake, clock_mono(), &err) < 0)
		daemon_not_ready(g->daemon, "store", "rows cannot be stored, "
			"their senders keep them: %s", err.text);
	else
		daemon_ready(g->daemon, "store");
	processes_forget(g->processes, clock_mono());
	metric_set(METRIC_ROWS_PRUNED, NULL, NULL,
		(int64_t)retention_pruned(g->retention));
	metric_set(METRIC_ROWS_NOT_PRINTED, NULL, NULL,
		(int64_t)output_left_out(g->output));
}

/* Our own status, beside those that come over the link. */
static void own_status(void *ctx, const struct msg_status *s)
{
	struct logger *g = ctx;

	processes_status(g->processes, s, clock_mono(), clock_wall());
}

static int start_intake(struct logger *g, const struct conf *conf,
	struct err *err)
{
	static const char *const admit[] = {
		"ingress", "matcher", "deployer", NULL};
	const struct intake_config c = {
		.loop = daemon_loop(g->daemon),
		.store = g->store,
		.output = g->output,
		.processes = g->processes,
		.bind = conf->logger.link,
		.instance = daemon_instance(g->daemon),
		.link = {
			.max_message = MSG_MAX,
			.keys = conf->logger.keys,
			.role = "logger",
			.admit = admit,
			.plain = conf->links == LINKS_PLAIN,
		},
	};

	g->intake = intake_open(&c, err);
	return g->intake != NULL ? 0 : -1;
}

static int start_tls(struct logger *g, const struct conf_logger *c,
	struct err *err)
{
	struct http_tls_files files = tls_files(&c->tls);

	if (!c->tls.cert)
		return 0;
	g->tls = http_tls_open(daemon_loop(g->daemon), &files, err);
	if (g->tls != NULL)
		http_tls_ask(g->tls, wants_certificates(c));
	return g->tls != NULL ? 0 : -1;
}

static void start_api(struct logger *g, const struct conf *conf)
{
	g->api = (struct api){
		.store = g->store,
		.processes = g->processes,
		.readers = readers_start(),
		.auth = auth_new(&conf->logger),
		.outcomes = outcomes_start(g->store),
		.loop = daemon_loop(g->daemon),
		.intake = g->intake,
		.secure = g->tls != NULL,
		.metrics = conf->logger.metrics,
		.health = conf->logger.health,
	};
	g->api.stream = stream_start(g->store, g->api.auth);
	pthread_mutex_init(&g->api.lock, NULL);
	api_set_conf(&g->api, (struct conf *)(uintptr_t)conf);
}

static void stop_api(struct logger *g)
{
	if (g->api.store == NULL)
		return;
	readers_stop(g->api.readers);
	stream_stop(g->api.stream);
	outcomes_stop(g->api.outcomes);
	auth_free(g->api.auth);
	conf_free(g->api.conf);
	pthread_mutex_destroy(&g->api.lock);
}

static int start_http(struct logger *g, const struct conf *conf,
	struct err *err)
{
	struct http_server_config c = {
		.listen = conf->logger.http,
		.threads = 4,
		.max_body = 4096,
		.max_connections = 256,
		.handle = api_handle,
		.ctx = &g->api,
	};

	if (start_tls(g, &conf->logger, err) < 0)
		return -1;
	c.tls = g->tls;
	start_api(g, conf);
	g->http = http_server_start(&c, err);
	return g->http != NULL ? 0 : -1;
}

int logger_reload(void *state, struct conf *conf, struct err *err)
{
	struct logger *g = state;

	(void)err;
	api_set_conf(&g->api, conf);
	if (g->tls != NULL)
		http_tls_reload(g->tls);
	return 0;
}

void *logger_start(struct daemon *d, const struct conf *conf, struct err *err)
{
	struct logger *g = xcalloc(1, sizeof(*g));

	g->daemon = d;
	g->store = store_open(&(struct store_config){.url = conf->logger.store,
		.password = &conf->logger.store_password}, err);
	if (g->store == NULL)
		goto failed;
	g->output = output_start(STDOUT_FILENO,
		(enum output_format)conf->logger.format, err);
	if (g->output == NULL)
		goto failed;
	g->processes = processes_new();
	g->retention = retention_start(
		daemon_loop(d), g->store, conf->logger.retain,
		conf->logger.retain_size);
	if (start_intake(g, conf, err) < 0 || start_http(g, conf, err) < 0)
		goto failed;
	g->tick = loop_timer_start(daemon_loop(d), 0, TICK_MS, tick, g);
	daemon_on_status(d, own_status, g);
	return g;
failed:
	logger_stop(g);
	return NULL;
}

/* ---- stop -------------------------------------------------------------------- */

static void drain_tick(void *ctx)
{
	struct logger *g = ctx;

	if (clock_mono() - g->drain_since > DRAIN_STORE_MS)
		store_ending(g->store);
	if (intake_drained(g->intake))
		daemon_drained(g->daemon);
}

void logger_drain(void *state)
{
	struct logger *g = state;

	http_server_quiesce(g->http);
	intake_drain(g->intake);
	g->drain_since = clock_mono();
	g->drain = loop_timer_start(daemon_loop(g->daemon), 0, DRAIN_TICK_MS,
		drain_tick, g);
}

void logger_stop(void *state)
{
	struct logger *g = state;

	loop_timer_cancel(&g->drain);
	loop_timer_cancel(&g->tick);
	store_ending(g->store);
	if (g->http != NULL)
		http_server_stop(g->http);
	http_tls_close(g->tls);
	intake_close(g->intake); /* asked orders end: they are the API's */
	stop_api(g);
	retention_stop(g->retention);
	store_close(g->store); /* writes, and calls, what is under way */
	retention_free(g->retention);
	intake_free(g->intake);
	processes_free(g->processes);
	output_stop(g->output, OUTPUT_WAIT_MS);
	free(g);
}
