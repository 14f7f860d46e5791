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
	{"send", "send SOURCE REPO:TAG [OPTION...]",
		"post a test push to the ingress on this machine", true,
		send_run},
	{"url", "url TRIGGER",
		"print the URL that has this trigger do its redeploy", true,
		trigger_url_run},
	{"parked", "parked", "list the events that are given to nobody", true,
		parked_run},
	{"release", "release EVENT", "give a parked event out again", true,
		parked_release_run},
	{"read", "read --type TYPE|--source NAME BODY",
		"print what a webhook's body says, as JSON lines", false,
		read_run},
	{"keys", "keys FOLDER", "make the links' keys that FOLDER lacks",
		false, keys_run},
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
