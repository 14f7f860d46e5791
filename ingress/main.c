#include "ingress/ingress.h"
#include "ingress/send.h"

static const struct daemon_command commands[] = {
	{"send", "send SOURCE REPOSITORY:TAG [--digest D]",
		"post a test push to the ingress on this machine", true,
		send_run},
};

int main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.role = "ingress",
		.about = "receives the registries' webhooks",
		.commands = commands,
		.n_commands = ARRAY_LEN(commands),
		.start = ingress_start,
		.drain = ingress_drain,
		.stop = ingress_stop,
	};

	return daemon_main(&spec, argc, argv);
}
