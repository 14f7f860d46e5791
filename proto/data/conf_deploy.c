/* What is redeployed, and how. */
#include "proto/data/conf_load.h"

#include <strings.h>

static const char *const pinned_words[] = {"auto", "skip", "replace", NULL};
static const char *const stopped_words[] = {
	"skip", "recreate", "start", NULL};

static const char *const order_words[] = {"stop-first", "start-first", NULL};
static const char *const missing_words[] = {"refuse", "keep_all", NULL};

static const struct opt deploy_opts[] = {
	KEY(struct conf_deploy, container, OPT_STR, NULL,
		"The container of this name.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD, .max = 255),
	KEY(struct conf_deploy, compose, OPT_STR, NULL,
		"`PROJECT/SERVICE`: every container of this Compose service.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD, .max = 255),
	KEY(struct conf_deploy, service, OPT_STR, NULL,
		"The Swarm service of this name (`STACK_SERVICE` of a stack); "
		"the engine must be a manager. Swarm itself updates it, by the "
		"service's own settings, so of the keys below only "
		"`same_tag_only`, `no_downgrade`, `pinned`, `force` and "
		"`rollback_timeout` may go with it; and of the trigger's not "
		"`platforms`.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD, .max = 255),
	KEY(struct conf_deploy, same_tag_only, OPT_BOOL, "false",
		"Only a container that runs this tag already is replaced. "
		"Without, the pushed image becomes the container's, whatever "
		"its tag.",
		.flags = OPT_RELOAD),
	KEY(struct conf_deploy, no_downgrade, OPT_BOOL, "false",
		"Where the running tag and the pushed one are both versions "
		"(`1.4.0`, `v1.4.0`), a lower one is refused.",
		.flags = OPT_RELOAD),
	KEY(struct conf_deploy, pinned, OPT_ENUM, "auto",
		"A container that was given its image by digest or by id, on "
		"purpose as it seems: `skip` or `replace`. `auto` replaces the "
		"`container` that is named here, and skips one of a `compose` "
		"service. A `service` is pinned where its image has a digest "
		"and no tag; `auto` replaces it.",
		.words = pinned_words, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, stopped, OPT_ENUM, "skip",
		"A container that was never started, or was stopped: `skip`; "
		"`recreate` replaces it without starting it; `start` starts the "
		"new one. One that crashed is always replaced and started.",
		.words = stopped_words, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, force, OPT_BOOL, "false",
		"Replace a container also when it runs this very image, or the "
		"image was rolled back there before. Every task of a `service` "
		"is made anew then.",
		.flags = OPT_RELOAD),
	KEY(struct conf_deploy, order, OPT_ENUM, "stop-first",
		"`start-first`: the old container is stopped when the new one "
		"is good. Where it has a fixed port, address or device, a "
		"network that is not its own, a volume that both would write, "
		"or others depend on it, it is `stop-first` all the same, and "
		"the row says why.",
		.words = order_words, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, allow_shared_rw, OPT_BOOL, "false",
		"Of `start-first`: both may write to the same volumes at once.",
		.flags = OPT_RELOAD),
	KEY(struct conf_deploy, alias_after_health, OPT_BOOL, "false",
		"Of `start-first`: the new container gets its network aliases "
		"when it is good. Without, they lead to both from its start.",
		.flags = OPT_RELOAD),
	KEY(struct conf_deploy, drain, OPT_DURATION, "0",
		"Of `start-first`: the old container runs on for so long when "
		"the new one has its name.",
		.min = 0, .max = 3600000, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, rollback_timeout, OPT_DURATION, "10m",
		"How long going back is tried, with growing waits, where the "
		"old container cannot be started. Then the job ends `failed`, "
		"both containers stay, and the row has the commands to type. "
		"Of a `service`: how long Swarm may take to go back.",
		.min = 1000, .max = 86400000, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, keep_failed, OPT_DURATION, "0",
		"How long a new container that failed is kept for a look: "
		"stopped, never started again, as `NAME.failed-ID`, which the "
		"row tells. Then it is removed, and so it is where the next "
		"one fails. Not one of Compose, which would count it as a "
		"replica, not one of `docker run --rm`, nor the deployer's "
		"own. Without, it is removed at once.",
		.min = 0, .max = 604800000, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, pre_hook, OPT_STRS, NULL,
		"A command, as a list, that is run inside the old container "
		"before anything is done to it. It goes on with exit code 0, "
		"or where the container does not run or has no such command. "
		"75 is not now: the job is tried again on its schedule. Any "
		"other code ends the job `failed`.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_deploy, post_hook, OPT_STRS, NULL,
		"The same inside the new container when the old one is gone; "
		"if it fails the row says so. Not run by the recovery after a "
		"crash.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_deploy, hook_timeout, OPT_DURATION, "60s",
		"How long a hook may take. After it the job fails; the command "
		"runs on.",
		.min = 1000, .max = 3600000, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, pre_check, OPT_STRS, NULL,
		"A command, as a list, that is run inside each container of "
		"the target that runs, at the beginning of each attempt: before "
		"it is known whether there is something to do. It decides "
		"nothing; if it fails the row says so.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_deploy, post_check, OPT_STRS, NULL,
		"The same at the end of each attempt, however it ended. Not "
		"where the engine does not answer or the deployer is stopped, "
		"and not by the recovery after a crash.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_deploy, check_timeout, OPT_DURATION, "60s",
		"How long each of the two may take. After it, it has failed; "
		"the command runs on.",
		.min = 1000, .max = 3600000, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, hook_user, OPT_STR, NULL,
		"Who hooks and checks run as, `USER` or `USER:GROUP`, names or "
		"numbers. Without: as the container's user.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_deploy, stop_signal, OPT_STR, NULL,
		"The signal, a name (`SIGINT`, `int`, `SIGRTMIN+3`) or a "
		"number, that ends the container, the old one and a new one "
		"that is not good. Without it is the container's own (`docker "
		"run --stop-signal`). One that runs on for its stop timeout "
		"(`docker run --stop-timeout`, 10 s) is killed. What depends "
		"on it has its own signal always.",
		.flags = OPT_RELOAD, .max = 16),
	KEY(struct conf_deploy, keep_env, OPT_STRS, NULL,
		"Names of environment variables whose values stay even where "
		"they equal the old image's. Without: such a value is taken "
		"for the image's, and the new image's counts.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_deploy, restart_after, OPT_STRS, NULL,
		"Containers (`NAME`) and Compose services (`PROJECT/SERVICE`) "
		"of the same engine that are restarted, as they are, when the "
		"target has been replaced: what holds on to it without any "
		"setting that says so. Only those that run; a restart that "
		"fails is told in the row. The recovery after a crash restarts "
		"none. Services whose `depends_on` has `restart: true` need "
		"not be listed.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD, .max = 64),
	KEY(struct conf_deploy, missing_image, OPT_ENUM, "refuse",
		"Where the image that a container runs was deleted, and we did "
		"not deploy it: `refuse`, or `keep_all` to take all of the "
		"container's settings for the user's.",
		.words = missing_words, .flags = OPT_RELOAD),
	KEY(struct conf_deploy, self_update, OPT_BOOL, "false",
		"Replace also the container that the deployer itself runs in, "
		"which is left alone otherwise: a helper container of the new "
		"image stops it, starts its successor, and puts it back if "
		"that is not good. The engine must be a unix socket.",
		.flags = OPT_RELOAD),
	KEY(struct conf_deploy, compose_files, OPT_BOOL, "false",
		"Of a `compose` service: the new image gets the tag, and "
		"`docker compose up -d --no-deps SERVICE` (or `docker-compose`) "
		"is run with the project's own files and env files, so that "
		".env, configs and secrets count. They must be readable here "
		"under the paths that the container's labels name, and the "
		"engine a unix socket; else it is done without, and the row "
		"says so. The order and the stop signal are Compose's then, "
		"and neither `pre_hook` nor `post_hook` is run.",
		.flags = OPT_RELOAD),
	KEY(struct conf_deploy, cleanup, OPT_BOOL, "false",
		"Remove images that were replaced here, but the last one, "
		"unless a container uses them, another target would go back to "
		"them, or they have a name in another repository.",
		.flags = OPT_RELOAD),
};

/* Of Linux, as signal(7) has them; engines know them by these names. */
static const char *const signals[] = {"ABRT", "ALRM", "BUS", "CHLD", "CLD",
	"CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT", "KILL", "PIPE", "POLL",
	"PROF", "PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP",
	"TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH",
	"XCPU", "XFSZ", "RTMIN", "RTMAX"};

#define SIGNAL_MAX 64
#define RTMIN_OF 34 /* 32 and 33 are the C library's */
#define RT_UP 15    /* RTMIN+1 to +15, RTMAX-1 to -14 */
#define RT_DOWN 14

/* base and a number */
static bool is_offset(const char *text, const char *base, int64_t max)
{
	size_t n = strlen(base);
	int64_t offset;

	return strncasecmp(text, base, n) == 0 && text[n] != '0' &&
		str_to_i64(str_from(text + n), &offset) == 0 && offset >= 1 &&
		offset <= max;
}

bool conf_is_signal(const char *text)
{
	int64_t n;

	if (str_to_i64(str_from(text), &n) == 0)
		return n >= 1 && n <= SIGNAL_MAX && (n < 32 || n >= RTMIN_OF);
	if (strncasecmp(text, "SIG", 3) == 0)
		text += 3;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		if (strcasecmp(text, signals[i]) == 0)
			return true;
	return is_offset(text, "RTMIN+", RT_UP) ||
		is_offset(text, "RTMAX-", RT_DOWN);
}

const struct opt_table conf_deploy_table = TABLE(struct conf_deploy,
	"triggers[].deploy", deploy_opts,
	"What is redeployed, one of `container`, `compose` and `service`; and "
	"how.");

void conf_check_service(struct conf_loader *l, const struct yaml *map,
	const struct conf_trigger *t)
{
	static const char *const may[] = {"service", "same_tag_only",
		"no_downgrade", "pinned", "force", "rollback_timeout"};
	const struct yaml *deploy = yaml_get(map, "deploy");
	const char *name = t->deploy.service;

	if (!name)
		return;
	if (!conf_name_ok(name))
		FAULT(map, "deploy", "service: `%s` can be no service's name",
			name);
	if (t->platforms.n)
		FAULT(map, "platforms", "platforms: does not go with `service`: "
			"Swarm picks the nodes; say it by the service's own "
			"placement");
	/* A key that is added one day is not of a service until this says so. */
	for (const struct yaml *k = deploy->first; k; k = k->next) {
		size_t i = 0;

		while (i < ARRAY_LEN(may) && strcmp(may[i], k->key) != 0)
			i++;
		if (i == ARRAY_LEN(may) && strcmp(k->key, "container") != 0 &&
			strcmp(k->key, "compose") != 0)
			FAULT(deploy, k->key, "%s: does not go with `service`: "
				"Swarm replaces its tasks, by the service's own "
				"settings (`docker service update`)", k->key);
	}
}
