#include "deployer/deployer.h"
#include "deployer/egress.h"
#include "deployer/list.h"
#include "deployer/orders.h"
#include "deployer/ping.h"
#include "deployer/signature.h"
#include "deployer/target.h"

static const struct daemon_command commands[] = {
	{
		.name = "queue",
		.usage = "queue",
		.help = "what waits, runs or is held, and why",
		.needs_conf = true,
		.run = list_queue,
	},
	{
		.name = "test",
		.usage = "test TRIGGER",
		.help = "posts a notification about no push to its URL",
		.needs_conf = true,
		.run = ping_run,
	},
	{
		.name = "redeliver",
		.usage = "redeliver ROW... | --trigger NAME [--since AGE] "
			 "[--until AGE]",
		.help = "sends ended notifications again, with the same id",
		.needs_conf = true,
		.run = orders_redeliver,
	},
	{
		.name = "enable",
		.usage = "enable TRIGGER",
		.help = "lets a disabled or suspended trigger post again",
		.needs_conf = true,
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
}

static const struct daemon_spec spec = {
	.role = "deployer",
	.about = "redeploys what runs a pushed image, and posts to trigger URLs",
	.commands = commands,
	.n_commands = ARRAY_LEN(commands),
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
