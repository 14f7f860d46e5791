#include "proto/daemon/daemon.h"

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/daemon/harden.h"
#include "proto/daemon/reload.h"
#include "proto/daemon/status.h"
#include "proto/daemon/usage.h"
#include "proto/io/http_client.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAIN_MS 9000 /* ended before `docker stop` kills, after 10 s */
#define STATUS_MS 1000
#define USAGE_COLUMNS 34
#define CONFIG_DEFAULT "/etc/pullwire/pullwire.yml"

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

/* ---- command line --------------------------------------------------------- */

struct options {
	const char *config;
	bool check_only;
};

static const struct daemon_command health = {
	.name = "health",
	.usage = "health",
	.help = "is the daemon on this machine alive and ready?",
	.needs = CONF_STANDING,
};

/* One line, or two when the first half is long. */
static void print_command(FILE *out, const struct daemon_command *cmd)
{
	int columns = 0;

	for (const char *c = cmd->usage; *c; c++)
		columns += (*c & 0xC0) != 0x80; /* UTF-8 */
	if (columns > USAGE_COLUMNS)
		fprintf(out, "  %s\n  %*s %s\n", cmd->usage, USAGE_COLUMNS,
			"", cmd->help);
	else
		fprintf(out, "  %s%*s %s\n", cmd->usage,
			USAGE_COLUMNS - columns, "", cmd->help);
}

static int usage(const struct daemon_spec *spec, FILE *out, int code)
{
	fprintf(out,
		"pullwire-%s " PULLWIRE_VERSION ": %s\n\n"
		"usage: pullwire-%s [-c FILE] [-n] [COMMAND …]\n\n"
		"  -c FILE   configuration (or PULLWIRE_CONFIG; default " CONFIG_DEFAULT ")\n"
		"  -n        check the configuration and exit\n"
		"  -V        print the version (--version)\n"
		"  -h        this text (--help); COMMAND -h tells of a command\n\n"
		"Without a command it runs as the daemon, in the foreground.\n\n",
		spec->role, spec->about, spec->role);
	print_command(out, &health);
	for (size_t i = 0; i < spec->n_commands; i++)
		print_command(out, &spec->commands[i]);
	return code;
}

static int explain(
	const struct daemon_spec *spec, const struct daemon_command *cmd)
{
	printf("usage: pullwire-%s %s%s\n\n%s\n", spec->role,
		cmd->needs ? "[-c FILE] " : "", cmd->usage, cmd->help);
	return 0;
}

static bool is_help(const char *arg)
{
	return strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0;
}

/* -1 to go on, else the exit code. */
static int parse_options(const struct daemon_spec *spec, int argc,
	char **argv, struct options *opt)
{
	static const struct option words[] = {
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int c;

	opt->config = getenv("PULLWIRE_CONFIG");
	if (!opt->config || !*opt->config)
		opt->config = CONFIG_DEFAULT;
	while ((c = getopt_long(argc, argv, "+c:nhV", words, NULL)) != -1) {
		switch (c) {
		case 'c':
			opt->config = optarg;
			break;
		case 'n':
			opt->check_only = true;
			break;
		case 'V':
			puts("pullwire " PULLWIRE_VERSION);
			return 0;
		case 'h':
			return usage(spec, stdout, 0);
		default:
			return usage(spec, stderr, 2);
		}
	}
	return -1;
}

/* NULL after every fault was printed, and what came of it. */
static struct conf *load(const struct daemon_spec *spec,
	enum daemon_conf part, const char *path, const char *outcome)
{
	struct opt_errors errs = {0};
	struct conf *conf = part == CONF_STANDING
		? conf_load_standing(path, &errs)
		: conf_load_checked(path, spec->check, &errs);

	for (size_t i = 0; i < errs.list.n; i++)
		fprintf(stderr, "%s\n", errs.list.v[i]);
	if (errs.list.n)
		fprintf(stderr, "pullwire-%s: %zu fault%s; %s\n", spec->role,
			errs.list.n, errs.list.n == 1 ? "" : "s", outcome);
	if (!conf && strcmp(path, CONFIG_DEFAULT) == 0 &&
		access(path, F_OK) < 0)
		fprintf(stderr, "Say where the configuration is: -c FILE, or "
				"PULLWIRE_CONFIG.\n");
	opt_errors_release(&errs);
	return conf;
}

static char *instance_name(const char *role)
{
	const char *name = getenv("PULLWIRE_INSTANCE");
	char host[65] = "";

	if (name && *name && !strchr(name, '/'))
		return xstrdup(name);
	if (gethostname(host, sizeof(host) - 1) < 0)
		snprintf(host, sizeof(host), "localhost");
	return xprintf("%s@%s", role, host);
}

/* A bad file is told, but it is no fault of the daemon that runs on what it
 * read before. */
static int run_health(const struct daemon_spec *spec, const char *config)
{
	struct conf *conf = load(spec, CONF_WHOLE, config,
		"a daemon that runs goes on with what it read before");
	char *run = conf ? xstrdup(conf->run) : conf_run(config);
	char *instance = instance_name(spec->role);
	int code = status_report(run, instance, clock_wall());

	free(instance);
	free(run);
	conf_free(conf);
	return code;
}

static int run_command(const struct daemon_spec *spec, const char *config,
	int argc, char **argv)
{
	for (size_t i = 0; i < spec->n_commands; i++) {
		const struct daemon_command *cmd = &spec->commands[i];
		struct conf *conf = NULL;
		bool help;
		int code;

		if (strcmp(cmd->name, argv[0]) != 0)
			continue;
		help = argc == 2 && is_help(argv[1]);
		if (help && !cmd->explains)
			return explain(spec, cmd);
		if (cmd->needs && !help &&
			!(conf = load(spec, cmd->needs, config,
				  "nothing was done")))
			return 2;
		code = cmd->run(conf, argc, argv);
		conf_free(conf);
		return code;
	}
	fprintf(stderr, "pullwire-%s: unknown command `%s`\n\n", spec->role,
		argv[0]);
	return usage(spec, stderr, 2);
}

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
	struct options opt = {0};
	struct daemon d = {.spec = spec};
	int code = parse_options(spec, argc, argv, &opt);

	if (code >= 0)
		return code;
	argc -= optind;
	argv += optind;
	log_init(spec->role, LOG_INFO);
	if (argc > 0 && strcmp(argv[0], "health") == 0)
		return argc == 2 && is_help(argv[1])
			? explain(spec, &health)
			: run_health(spec, opt.config);
	if (argc > 0)
		return run_command(spec, opt.config, argc, argv);
	d.conf = load(spec, CONF_WHOLE, opt.config, "nothing was started");
	if (!d.conf)
		return 2;
	if (opt.check_only) {
		printf("%s: configuration OK\n", opt.config);
		conf_free(d.conf);
		return 0;
	}
	log_init(spec->role, (enum log_level)d.conf->log_level);
	if (strcmp(conf_own_log_formats[d.conf->log_format], "json") == 0)
		log_as_json();
	harden(spec->runs_programs);
	http_global_init();
	d.instance = instance_name(spec->role);
	d.status = status_new(spec->role, d.instance);
	d.loop = loop_new();
	code = run_daemon(&d);
	loop_free(d.loop);
	status_free(d.status);
	free(d.instance);
	conf_free(d.conf);
	return code;
}
