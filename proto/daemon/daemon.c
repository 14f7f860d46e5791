#include "proto/daemon/daemon.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/daemon/daemon_command.h"
#include "proto/daemon/harden.h"
#include "proto/daemon/reload.h"
#include "proto/daemon/status.h"
#include "proto/daemon/usage.h"
#include "proto/io/http_client.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>

#define DRAIN_MS 9000 /* ended before `docker stop` kills, after 10 s */
#define STATUS_MS 1000

struct daemon {
	const struct daemon_spec *spec;
	struct conf *conf;
	struct loop *loop;
	struct status *status;
	char *instance;
	void *state; /* the daemon's own, from spec->start */
	struct loop_timer *status_timer, *drain_timer;
	void (*on_status)(void *ctx, const struct msg_status *status);
	void *on_status_ctx;
	void (*on_hangup)(void *ctx);
	void *on_hangup_ctx;
	struct reload *reload;
	bool draining;
};

/* ---- readiness ------------------------------------------------------------ */

void daemon_not_ready(struct daemon *d, const char *what, const char *fmt, ...)
{
	char sentence[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	status_set(d->status, what, sentence);
}

void daemon_ready(struct daemon *d, const char *what)
{
	status_set(d->status, what, NULL);
}

void daemon_on_status(struct daemon *d,
	void (*fn)(void *ctx, const struct msg_status *status), void *ctx)
{
	d->on_status = fn;
	d->on_status_ctx = ctx;
}

void daemon_on_hangup(struct daemon *d, void (*fn)(void *ctx), void *ctx)
{
	d->on_hangup = fn;
	d->on_hangup_ctx = ctx;
}

static void publish_status(void *ctx)
{
	struct daemon *d = ctx;
	struct msg_status m = {0};
	struct err err = {0};

	usage_update();
	status_snapshot(d->status, clock_wall(), &m);
	if (status_write(d->conf->run, &m, &err) < 0)
		log_limited(LOG_WARN, "status", "%s", err.text);
	if (d->on_status)
		d->on_status(d->on_status_ctx, &m);
	field_release(&status_table, &m);
}

/* ---- life ------------------------------------------------------------------ */

struct loop *daemon_loop(struct daemon *d)
{
	return d->loop;
}

const char *daemon_instance(const struct daemon *d)
{
	return d->instance;
}

void daemon_drained(struct daemon *d)
{
	loop_stop(d->loop);
}

static void drain_timeout(void *ctx)
{
	struct daemon *d = ctx;

	d->drain_timer = NULL;
	log_warn(NULL, "not drained after %d s; what is left is taken up at "
		       "the next start", DRAIN_MS / 1000);
	loop_stop(d->loop);
}

static void on_terminate(void *ctx)
{
	struct daemon *d = ctx;

	if (d->draining) {
		loop_stop(d->loop);
		return;
	}
	d->draining = true;
	reload_free(d->reload);
	d->reload = NULL;
	log_info(NULL, "asked to stop: finishing what is under way");
	d->drain_timer = loop_timer_start(
		d->loop, DRAIN_MS, 0, drain_timeout, d);
	d->spec->drain(d->state);
}

static void on_hangup(void *ctx)
{
	struct daemon *d = ctx;

	if (d->on_hangup)
		d->on_hangup(d->on_hangup_ctx);
	if (d->reload)
		reload_now(d->reload);
	else
		log_info(NULL, "SIGHUP: restart to take a changed configuration");
}

static int take_conf(void *ctx, struct conf *conf, struct err *err)
{
	struct daemon *d = ctx;

	return d->spec->reload(d->state, conf, err);
}

static void start_reload(struct daemon *d)
{
	struct reload_spec spec = {
		.path = d->conf->path,
		.running = d->conf,
		.check = d->spec->check,
		.take = take_conf,
		.ctx = d,
	};

	if (d->spec->reload)
		d->reload = reload_new(d->loop, &spec);
}

static int run_daemon(struct daemon *d)
{
	struct err err = {0};

	if (mkdir(d->conf->run, 0755) < 0 && errno != EEXIST) {
		log_error(NULL, "%s cannot be created: %s; set `run` in %s",
			d->conf->run, strerror(errno), d->conf->path);
		return 1;
	}
	d->state = d->spec->start(d, d->conf, &err);
	if (!d->state) {
		log_error(NULL, "not started: %s", err.text);
		return 1;
	}
	loop_signal(d->loop, SIGTERM, on_terminate, d);
	loop_signal(d->loop, SIGINT, on_terminate, d);
	loop_signal(d->loop, SIGHUP, on_hangup, d);
	d->status_timer = loop_timer_start(
		d->loop, 0, STATUS_MS, publish_status, d);
	start_reload(d);
	log_info(NULL, "started as %s, generation %s", d->instance,
		d->conf->generation);
	loop_run(d->loop);
	reload_free(d->reload);
	loop_timer_cancel(&d->status_timer);
	loop_timer_cancel(&d->drain_timer);
	d->spec->stop(d->state);
	status_remove(d->conf->run, d->instance);
	log_info(NULL, "stopped");
	return 0;
}

int daemon_main(const struct daemon_spec *spec, int argc, char **argv)
{
	struct daemon d = {.spec = spec};
	int code = daemon_command_line(spec, argc, argv, &d.conf);

	if (code >= 0)
		return code;
	log_init(spec->role, (enum log_level)d.conf->log_level);
	if (strcmp(conf_own_log_formats[d.conf->log_format], "json") == 0)
		log_as_json();
	harden(spec->runs_programs);
	http_global_init();
	d.instance = daemon_command_instance(spec->role);
	d.status = status_new(spec->role, d.instance);
	d.loop = loop_new();
	code = run_daemon(&d);
	loop_free(d.loop);
	status_free(d.status);
	free(d.instance);
	conf_free(d.conf);
	return code;
}
