#include "logger/export_command.h"
#include "logger/log_command.h"
#include "logger/logger.h"
#include "logger/stats_command.h"
#include "logger/token_command.h"
#include "logger/verify_command.h"

static const struct daemon_command commands[] = {
	{
		.name = "log",
		.usage = LOG_COMMAND_USAGE,
		.help = "rows of the access log; log -h says more",
		.needs = CONF_STANDING,
		.run = log_command,
		.explains = true,
	},
	{
		.name = "export",
		.usage = EXPORT_COMMAND_USAGE,
		.help = "all rows, as CSV or JSON; export -h says more",
		.needs = CONF_STANDING,
		.run = export_command,
		.explains = true,
	},
	{
		.name = "stats",
		.usage = STATS_COMMAND_USAGE,
		.help = "how the triggers do, a line each",
		.needs = CONF_STANDING,
		.run = stats_command,
		.explains = true,
	},
	{
		.name = "verify",
		.usage = VERIFY_COMMAND_USAGE,
		.help = "reads all rows: is each what was stored?",
		.needs = CONF_STANDING,
		.run = verify_command,
		.explains = true,
	},
	{
		.name = "token",
		.usage = TOKEN_COMMAND_USAGE,
		.help = "makes a token for the page and the API",
		.run = token_command,
	},
};

static const struct daemon_spec spec = {
	.role = "logger",
	.about = "keeps and shows what happened",
	.commands = commands,
	.n_commands = ARRAY_LEN(commands),
	.check = logger_check,
	.start = logger_start,
	.reload = logger_reload,
	.drain = logger_drain,
	.stop = logger_stop,
};

int main(int argc, char **argv)
{
	return daemon_main(&spec, argc, argv);
}
