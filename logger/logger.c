#include "logger/logger.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/metrics.h"

#define TICK_MS 1000
#define DRAIN_TICK_MS 20
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

void logger_check(const struct conf *conf, struct opt_errors *errs)
{
	const struct conf_logger *c = &conf->logger;

	if (c->http && !logger_is_loopback(c->http))
		opt_error(errs, c->where.file ? c->where.file : conf->path,
			c->where.line, "logger.http: `%s` is reachable from "
			"other machines, and the access log is not protected: "
			"write 127.0.0.1:PORT, and forward from there (ssh -L, "
			"or a proxy that authenticates)", c->http);
}

/* ---- start ------------------------------------------------------------------- */

static void tick(void *ctx)
{
	struct logger *g = ctx;
	struct err err = {0};

	if (intake_check(g->intake, clock_mono(), &err) < 0)
		daemon_not_ready(g->daemon, "store", "rows cannot be stored, "
			"their senders keep them: %s", err.text);
	else
		daemon_ready(g->daemon, "store");
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

static int start_http(struct logger *g, const struct conf *conf,
	struct err *err)
{
	const struct http_server_config c = {
		.listen = conf->logger.http,
		.threads = 4,
		.max_body = 4096,
		.max_connections = 256,
		.handle = api_handle,
		.ctx = &g->api,
	};

	g->api = (struct api){.store = g->store, .processes = g->processes};
	g->http = http_server_start(&c, err);
	return g->http != NULL ? 0 : -1;
}

void *logger_start(struct daemon *d, const struct conf *conf, struct err *err)
{
	struct logger *g = xcalloc(1, sizeof(*g));

	g->daemon = d;
	g->store = store_open(conf->logger.store, false, err);
	if (g->store == NULL)
		goto failed;
	g->output = output_start(STDOUT_FILENO,
		(enum output_format)conf->logger.format, err);
	if (g->output == NULL)
		goto failed;
	g->processes = processes_new();
	g->retention = retention_start(
		daemon_loop(d), g->store, conf->logger.retain);
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

	if (intake_drained(g->intake))
		daemon_drained(g->daemon);
}

void logger_drain(void *state)
{
	struct logger *g = state;

	http_server_quiesce(g->http);
	intake_drain(g->intake);
	g->drain = loop_timer_start(daemon_loop(g->daemon), 0, DRAIN_TICK_MS,
		drain_tick, g);
}

void logger_stop(void *state)
{
	struct logger *g = state;

	loop_timer_cancel(&g->drain);
	loop_timer_cancel(&g->tick);
	if (g->http != NULL)
		http_server_stop(g->http);
	intake_close(g->intake);
	retention_stop(g->retention);
	store_close(g->store); /* writes, and calls, what is under way */
	retention_free(g->retention);
	intake_free(g->intake);
	processes_free(g->processes);
	output_stop(g->output, OUTPUT_WAIT_MS);
	free(g);
}
