#include "proto/daemon/daemon_command.h"

#include <getopt.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/daemon/status.h"

#define USAGE_COLUMNS 34
#define CONFIG_DEFAULT "/etc/pullwire/pullwire.yml"

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

char *daemon_command_instance(const char *role)
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
	char *instance = daemon_command_instance(spec->role);
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

int daemon_command_line(const struct daemon_spec *spec, int argc, char **argv,
	struct conf **conf)
{
	struct options opt = {0};
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
	*conf = load(spec, CONF_WHOLE, opt.config, "nothing was started");
	if (!*conf)
		return 2;
	if (!opt.check_only)
		return -1;
	printf("%s: configuration OK\n", opt.config);
	conf_free(*conf);
	return 0;
}
