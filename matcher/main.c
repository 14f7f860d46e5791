/* Which pushes fire which triggers: the second of the four processes. */
#include "matcher/matcher.h"

#include "matcher/command.h"
#include "matcher/rule_load.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/daemon/addresses.h"

#define REPORT_MS 1000

static void report(void *ctx)
{
	struct matcher *m = ctx;

	work_report(m->work, m->daemon);
}

static void send_status(void *ctx, const struct msg_status *status)
{
	struct matcher *m = ctx;

	work_send_status(m->work, status);
}

static void drained(void *ctx)
{
	struct matcher *m = ctx;

	daemon_drained(m->daemon);
}

static void *start(struct daemon *d, const struct conf *conf, struct err *err)
{
	struct opt_errors errs = {0};
	struct ruleset *rules = rule_load(conf, &errs);
	struct matcher *m = xcalloc(1, sizeof(*m));
	struct work_config config = {
		.conf = conf,
		.instance = daemon_instance(d),
		.drained = drained,
		.ctx = m,
	};

	if (rules == NULL)
		BUG("rules were good when they were checked");
	log_info(NULL, "%zu triggers", rules->n);
	m->daemon = d;
	m->work = work_open(daemon_loop(d), &config, rules, err);
	if (m->work == NULL) {
		free(m);
		return NULL;
	}
	m->report = loop_timer_start(
		daemon_loop(d), 0, REPORT_MS, report, m);
	daemon_on_status(d, send_status, m);
	return m;
}

static int reload(void *state, struct conf *conf, struct err *err)
{
	struct opt_errors errs = {0};
	struct matcher *m = state;
	struct ruleset *rules = rule_load(conf, &errs);

	(void)err;
	if (rules == NULL)
		BUG("rules were good when they were checked");
	work_set_rules(m->work, conf, rules);
	return 0;
}

static void drain(void *state)
{
	struct matcher *m = state;

	work_drain(m->work);
}

static void stop(void *state)
{
	struct matcher *m = state;

	daemon_on_status(m->daemon, NULL, NULL);
	loop_timer_cancel(&m->report);
	work_close(m->work);
	free(m);
}

static void check_conf(const struct conf *conf, struct opt_errors *errs)
{
	rule_check(conf, errs);
	addresses_check(conf, "matcher", errs);
}

static const struct daemon_command commands[] = {
	{
		.name = "check",
		.usage = "check FILE",
		.help = "every fault of a configuration, or its rules",
		.run = command_check,
	},
	{
		.name = "explain",
		.usage = "explain FILE REPO:TAG | --payload BODY "
			 "--type TYPE | --source NAME [--header 'N: V']",
		.help = "what each trigger would do with a push, and why",
		.run = command_explain,
	},
	{
		.name = "docs",
		.usage = "docs config|wire|metrics",
		.help = "the pages printed from tables",
		.run = command_docs,
	},
};

static const struct daemon_spec spec = {
	.role = "matcher",
	.about = "decides which pushes fire which triggers",
	.commands = commands,
	.n_commands = ARRAY_LEN(commands),
	.check = check_conf,
	.start = start,
	.reload = reload,
	.drain = drain,
	.stop = stop,
};

int main(int argc, char **argv)
{
	return daemon_main(&spec, argc, argv);
}
