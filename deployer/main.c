#include "deployer/deployer.h"
#include "deployer/docker/docker_plan.h"
#include "deployer/docker/docker_renew.h"
#include "deployer/http/egress.h"
#include "deployer/orders/list.h"
#include "deployer/orders/orders.h"
#include "deployer/orders/ping.h"
#include "deployer/http/signature.h"
#include "deployer/target.h"
#include "proto/daemon/addresses.h"

static int queue_command(const struct conf *conf, int argc, char **argv)
{
	if (argc > 1 && orders_is_about_job(argv[1]))
		return orders_job(conf, argc - 1, argv + 1);
	if (argc > 1) {
		fprintf(stderr, "`queue %s` is none of: queue, queue approve, "
				"hold, release, retry or cancel JOB\n", argv[1]);
		return 2;
	}
	return list_queue(conf, argc, argv);
}

static const struct daemon_command commands[] = {
	{
		.name = "queue",
		.usage = "queue [approve|hold|release|retry|cancel JOB]",
		.help = "what waits, runs or is held, and why",
		.needs = CONF_STANDING,
		.run = queue_command,
	},
	{
		.name = "finish",
		.usage = "finish ENDPOINT ID MS MS",
		.help = "what the helper of self_update runs; not for people",
		.run = docker_renew_finish,
	},
	{
		.name = "plan",
		.usage = "plan TARGET IMAGE",
		.help = "what a push of the image would do, without doing it",
		.needs = CONF_WHOLE,
		.run = docker_plan_run,
	},
	{
		.name = "rollback",
		.usage = "rollback TARGET",
		.help = "redeploys what the target ran before",
		.needs = CONF_WHOLE,
		.run = orders_rollback,
	},
	{
		.name = "test",
		.usage = "test TRIGGER | test notify:NAME",
		.help = "posts a notification about no push to its URL",
		.needs = CONF_WHOLE,
		.run = ping_run,
	},
	{
		.name = "redeliver",
		.usage = "redeliver ROW... | [--trigger NAME] [--status WORD] "
			 "[--since AGE] [--until AGE]",
		.help = "does ended jobs again, posts with the same id",
		.needs = CONF_STANDING,
		.run = orders_redeliver,
	},
	{
		.name = "enable",
		.usage = "enable TRIGGER",
		.help = "lets a disabled or suspended trigger post again",
		.needs = CONF_WHOLE,
		.run = orders_enable,
	},
	{
		.name = "secret",
		.usage = "secret",
		.help = "makes a secret to sign notifications with",
		.run = signature_new,
	},
};

static void check_conf(const struct conf *conf, struct opt_errors *errs)
{
	target_check_conf(conf, errs);
	egress_check_conf(conf, errs);
	signature_check_conf(conf, errs);
	addresses_check(conf, "deployer", errs);
}

static const struct daemon_spec spec = {
	.role = "deployer",
	.about = "redeploys what runs a pushed image, and posts to trigger URLs",
	.commands = commands,
	.n_commands = ARRAY_LEN(commands),
	.runs_programs = true,
	.check = check_conf,
	.start = deployer_start,
	.reload = deployer_reload,
	.drain = deployer_drain,
	.stop = deployer_stop,
};

int main(int argc, char **argv)
{
	return daemon_main(&spec, argc, argv);
}
