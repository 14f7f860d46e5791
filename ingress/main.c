#include "ingress/ingress.h"
#include "ingress/parked.h"
#include "ingress/read.h"
#include "ingress/send.h"
#include "proto/io/keys.h"

static int keys_run(const struct conf *conf, int argc, char **argv)
{
	struct err err = {0};

	(void)conf; /* there may be none yet */
	if (argc != 2) {
		fprintf(stderr, "usage: pullwire-ingress keys FOLDER\n");
		return 2;
	}
	if (keys_generate(argv[1], &err) < 0) {
		fprintf(stderr, "pullwire-ingress: %s\n", err.text);
		return 1;
	}
	printf("%s has a key pair for each role. Each machine needs ROLE.key of "
	       "what runs on it and ROLE.pub of all.\n", argv[1]);
	return 0;
}

static const struct daemon_command commands[] = {
	{
		.name = "send",
		.usage = "send SOURCE REPO:TAG [--digest sha256:…] "
			 "[--cert FILE --key FILE]",
		.help = "post a test push to the ingress on this machine",
		.needs = CONF_WHOLE,
		.run = send_run,
	},
	{
		.name = "url",
		.usage = "url TRIGGER",
		.help = "print the URL that has this trigger do its redeploy",
		.needs = CONF_WHOLE,
		.run = trigger_url_run,
	},
	{
		.name = "parked",
		.usage = "parked",
		.help = "list the events that are given to nobody",
		.needs = CONF_STANDING,
		.run = parked_run,
	},
	{
		.name = "release",
		.usage = "release EVENT",
		.help = "give a parked event out again",
		.needs = CONF_STANDING,
		.run = parked_release_run,
	},
	{
		.name = "read",
		.usage = "read [--config FILE] --type TYPE | --source NAME "
			 "[--header 'N: V'] BODY",
		.help = "print what a webhook's body says, as JSON lines",
		.run = read_run,
	},
	{
		.name = "keys",
		.usage = "keys FOLDER",
		.help = "make the links' keys that FOLDER lacks",
		.run = keys_run,
	},
};

int main(int argc, char **argv)
{
	static const struct daemon_spec spec = {
		.role = "ingress",
		.about = "receives the registries' webhooks",
		.commands = commands,
		.n_commands = ARRAY_LEN(commands),
		.check = ingress_check_conf,
		.start = ingress_start,
		.reload = ingress_reload,
		.drain = ingress_drain,
		.stop = ingress_stop,
	};

	return daemon_main(&spec, argc, argv);
}
