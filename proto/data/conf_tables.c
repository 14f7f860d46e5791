/*
 * What the configuration may say: every key with its type, default, limits
 * and the sentence that docs/CONFIG.md prints. Rules over several keys are in
 * conf.c.
 */
#include "proto/data/conf_load.h"

#include "proto/base/log.h"


const char *const conf_source_types[] = {
	"distribution", "dockerhub", "aliyun", "harbor", "quay", "github",
	"gitlab", "gitea", "azure", "ecr", "gar", "jfrog", "nexus", "tencent",
	"zot", "msr", "cloudevents", "generic", "auto", NULL};
const char *const conf_own_log_formats[] = {"text", "json", NULL};
/* enum conf_trigger_type */
static const char *const trigger_types[] = {
	"ALL", "TAG_LIST", "TAG_REG_EXP", NULL};
/* enum conf_verify */
static const char *const verify_words[] = {"auto", "registry", "none", NULL};
static const char *const links_words[] = {"protected", "plain", NULL};
static const char *const level_words[] = {
	"debug", "info", "warn", "error", NULL};

static const struct opt source_opts[] = {
	KEY(struct conf_source, name, OPT_STR, NULL,
		"Unique; the last part of the URL `/v1/webhooks/NAME`.",
		.flags = OPT_REQUIRED | OPT_RELOAD, .max = 64),
	KEY(struct conf_source, type, OPT_ENUM, NULL,
		"Whose webhooks these are. `distribution` is registry:2 and :3, "
		"`aliyun` Alibaba Cloud ACR, `gitea` also Forgejo, `generic` a "
		"body of `{\"name\",\"tag\",\"digest\"?}`; `auto` guesses by "
		"the headers and the body. [REGISTRIES.md](REGISTRIES.md) says "
		"what to set where.",
		.words = conf_source_types, .flags = OPT_REQUIRED | OPT_RELOAD),
	KEY(struct conf_source, auth, OPT_SUB, NULL,
		"How the sender proves who it is, such as `{bearer_file: "
		"/run/secrets/NAME}`.", .sub = &conf_auth_table,
		.flags = OPT_REQUIRED | OPT_RELOAD),
	KEY(struct conf_source, registry, OPT_STR, NULL,
		"The host[:port] that these images are pulled from, when the "
		"body does not say or says otherwise.",
		.flags = OPT_RELOAD, .max = 255),
	KEY(struct conf_source, registry_map, OPT_STRS, NULL,
		"`FROM=TO`, each `HOST[:PORT][/PATH]`: an image whose name "
		"begins with FROM is pulled by the name that has TO instead, "
		"for a registry that is pulled from by an internal name. Whole "
		"parts between slashes only; the longest FROM counts, and goes "
		"before `registry`.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_source, region, OPT_STR, NULL,
		"Carried into the notification when the body does not say.",
		.flags = OPT_RELOAD, .max = 64),
	KEY(struct conf_source, allow, OPT_STRS, NULL,
		"Addresses and networks that the sender must be in, such as "
		"`10.0.0.0/8`. Without: any.",
		.flags = OPT_RELOAD, .max = 256),
	KEY(struct conf_source, topic, OPT_STR, NULL,
		"ARN of the one SNS topic that this source takes messages of; "
		"for `ecr`. Needed to be shown the address that confirms a "
		"subscription.",
		.flags = OPT_RELOAD, .max = 255),
	KEY(struct conf_source, rate, OPT_INT, "50",
		"Requests a second that are taken for long; above it the "
		"answer is 429 with `Retry-After`. Counted are requests whose "
		"sender has proved who it is.",
		.min = 1, .max = 1000000, .flags = OPT_RELOAD),
	KEY(struct conf_source, burst, OPT_INT, "500",
		"Requests that are taken at once, after a quiet time.",
		.min = 1, .max = 1000000, .flags = OPT_RELOAD),
	KEY(struct conf_source, answer_within, OPT_DURATION, NULL,
		"A little less than its sender waits for an answer: what is "
		"not on disk by then is answered 503. Without: `400ms` for "
		"what registry:2 and GitLab's registry send, `2500ms` for "
		"Harbor, `4s` for all others.",
		.min = 100, .max = 60000, .flags = OPT_RELOAD),
	KEY(struct conf_source, verify, OPT_ENUM, "auto",
		"`registry`: a push is only a hint. Before anything is done, "
		"the deployer asks the registry what the tag is now, and ends "
		"the job `stale` if that is not what was pushed. `auto`: so if "
		"`auth` is `url_token` or `none`, which prove nothing about "
		"the body. `none`: what the sender says is done.",
		.words = verify_words, .flags = OPT_RELOAD),
	KEY(struct conf_source, insecure, OPT_BOOL, "false",
		"`verify` of a push for a trigger URL may ask the registry by "
		"plain http when it has no TLS. One on this machine's loopback "
		"may always. (What engines do is in their own settings.)",
		.flags = OPT_RESTART),
	KEY(struct conf_source, enabled, OPT_BOOL, "true",
		"A disabled source answers as if it did not exist.",
		.flags = OPT_RELOAD),
};
static const struct opt_table source_table = TABLE(struct conf_source,
	"sources[]", source_opts, "A registry that may post here.");

static const struct opt trigger_opts[] = {
	KEY(struct conf_trigger, name, OPT_STR, NULL,
		"Unique; the access log's key.",
		.flags = OPT_REQUIRED | OPT_RELOAD, .max = 64),
	KEY(struct conf_trigger, repository, OPT_STR, NULL,
		"Full name, or a glob: `shop/*`, `**/web`, `**`. `*` stays "
		"within a slash, `**` crosses. The registry's host may stand "
		"before it (`registry.example.com:5000/shop/web`); without, "
		"any registry's. `nginx` is `docker.io/library/nginx`.",
		.flags = OPT_REQUIRED | OPT_RELOAD, .max = 255),
	KEY(struct conf_trigger, expression, OPT_STR, NULL,
		"A Perl-compatible regular expression that must match the "
		"whole tag. Neither this nor `tags`: every tag.",
		.flags = OPT_RELOAD, .max = CONF_EXPRESSION_MAX),
	KEY(struct conf_trigger, tags, OPT_STRS, NULL, "1 to 10 exact tags.",
		.flags = OPT_RELOAD, .max = CONF_TAGS_MAX),
	KEY(struct conf_trigger, type, OPT_ENUM, NULL,
		"Another spelling, with `tag`: `TAG_LIST` is `tags`, "
		"`TAG_REG_EXP` is `expression`, `ALL` is neither.",
		.words = trigger_types, .flags = OPT_FILE_ONLY | OPT_RELOAD),
	KEY(struct conf_trigger, tag, OPT_STRS, NULL,
		"For `type`: 1 to 10 tags, or one expression.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD, .max = CONF_TAGS_MAX),
	KEY(struct conf_trigger, exclude, OPT_STR, NULL,
		"An expression as above: a tag that matches it is not taken, "
		"whatever else matches.",
		.flags = OPT_RELOAD, .max = CONF_EXPRESSION_MAX),
	KEY(struct conf_trigger, semver, OPT_STR, NULL,
		"A range of versions as npm has it, such as `>=1.4 <2`, `^1.4` "
		"or `1.x`: the tag must be such a version, with or without a "
		"`v` before it. A pre-release is in a range only if the range "
		"names one of the same version (`>=2.0.0-rc.1`).",
		.flags = OPT_RELOAD, .max = 255),
	KEY(struct conf_trigger, newer_only, OPT_BOOL, "false",
		"Only a version above the one that was done last by this "
		"trigger (redeployed, or taken by its URL). The version is the "
		"tag's as for `semver`; if the expression has named groups, "
		"such as `(?<major>\\d+)\\.(?<build>\\d+)`, it is their values, "
		"compared from left to right, digits as numbers. A lower or an "
		"equal one, or a tag that is none, gives `untriggered`; groups "
		"inside each other that take over 512 bytes together "
		"`expression_error`.",
		.flags = OPT_RELOAD),
	KEY(struct conf_trigger, digest_changed, OPT_BOOL, "false",
		"Only a digest other than the one that was done last by this "
		"trigger; the same gives `unchanged`. A push that names no "
		"digest is always done.",
		.flags = OPT_RELOAD),
	KEY(struct conf_trigger, platforms, OPT_STRS, NULL,
		"For a redeploy: the image must be of one of these, such as "
		"`linux/amd64` or `linux/arm/v7`. A push does not tell, so it "
		"is looked at when the engine has the image, before anything is "
		"changed: another one gives `refused`. Of an image for several "
		"platforms the engine takes its own.",
		.flags = OPT_RELOAD, .max = 16),
	KEY(struct conf_trigger, min_age, OPT_DURATION, "0",
		"The action waits until the push is so old; of a redeploy, a "
		"newer push takes its place.",
		.min = 0, .max = 90 * DAY, .flags = OPT_RELOAD),
	KEY(struct conf_trigger, window, OPT_STRS, NULL,
		"The action waits until one of these is open, such as `Mon-Fri "
		"22:00-06:00 Europe/Berlin` (the days on which it opens; "
		"without days, every day); of a redeploy, a newer push takes "
		"its place. What has begun is not cut off at the end.",
		.flags = OPT_RELOAD, .max = 8),
	KEY(struct conf_trigger, approve, OPT_BOOL, "false",
		"The action waits for `pullwire-deployer queue approve JOB`; of "
		"a redeploy, a newer push takes its place.",
		.flags = OPT_RELOAD),
	KEY(struct conf_trigger, dry_run, OPT_BOOL, "false",
		"Nothing is done: the row `dry_run` says what would be.",
		.flags = OPT_RELOAD),
	KEY(struct conf_trigger, deploy, OPT_SUB, NULL,
		"Redeploy this with the pushed image. Either this or `url`.",
		.sub = &conf_deploy_table, .flags = OPT_FILE_ONLY | OPT_RELOAD),
	KEY(struct conf_trigger, url, OPT_STR, NULL,
		"Post the notification to this URL. http on port 80, 21, 443, "
		"70, 210, 280, 488, 591, 777 or 1025-65535; https on 443 only.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD),
	KEY(struct conf_trigger, secret, OPT_SECRETS, NULL,
		"Of a `url`: `whsec_` and 24 to 64 bytes in base64 (`pullwire-"
		"deployer secret` makes one). Notifications are signed with it "
		"as Standard Webhooks has it. Several: one signature each.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD, .max = 8),
	KEY(struct conf_trigger, headers, OPT_STRS, NULL,
		"Of a `url`: headers to add, each as `Name: value`. The rows "
		"of the access log have their names only.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD | OPT_NAMED, .max = 20),
	KEY(struct conf_trigger, engine, OPT_STR, NULL,
		"The engine that runs it; needed when there are several.",
		.flags = OPT_FILE_ONLY | OPT_RELOAD, .max = 64),
	KEY(struct conf_trigger, health_timeout, OPT_DURATION, NULL,
		"How long the new container may take to get healthy. Without: "
		"worked out from its healthcheck, at least 60s. Of a "
		"`service`: how long all of its update may take. Without: 10m "
		"for pulls, and for each round of tasks what the service's own "
		"settings let it take.",
		.min = SECOND, .max = DAY, .flags = OPT_RELOAD),
	KEY(struct conf_trigger, grace, OPT_DURATION, "10s",
		"How long a new container without a healthcheck must stay up. "
		"Of a `service`: how long all its tasks must have, where some "
		"failed at first.",
		.min = 0, .max = HOUR, .flags = OPT_RELOAD),
};
const struct opt_table conf_trigger_table = TABLE(struct conf_trigger,
	"triggers[]", trigger_opts, "A rule and its one action.");

static const struct opt ingress_opts[] = {
	KEY(struct conf_ingress, http, OPT_STR, "0.0.0.0:8080",
		"Where webhooks are received.",
		.flags = OPT_RESTART),
	KEY(struct conf_ingress, tls, OPT_SUB, NULL, "TLS there.",
		.sub = &conf_tls_table, .flags = OPT_RESTART),
	KEY(struct conf_ingress, link, OPT_STR, "ipc:///run/pullwire/ingress",
		"Where matchers connect.",
		.flags = OPT_RESTART),
	KEY(struct conf_ingress, state, OPT_STR, "/var/lib/pullwire/ingress",
		"Folder of the spool: what was accepted lives here.",
		.flags = OPT_RESTART),
	KEY(struct conf_ingress, max_body, OPT_SIZE, "256KiB",
		"Largest body accepted.", .min = 1024, .max = 1 << 20),
	KEY(struct conf_ingress, max_per_address, OPT_INT, "50",
		"Connections at once from one address; more are closed. 0: any "
		"number. Not looked at with `trusted_proxies`, whose addresses "
		"stand for many.",
		.min = 0, .max = 65536),
	KEY(struct conf_ingress, url, OPT_STR, NULL,
		"What senders reach this by, such as `https://hooks.example."
		"com`: what `pullwire-ingress url TRIGGER` prints begins with "
		"it. Without: this machine's name and the port of `http`.",
		.max = 1024, .flags = OPT_RELOAD),
	KEY(struct conf_ingress, trigger_key, OPT_SECRETS, NULL,
		"Key by which the secrets of trigger URLs are made, at least "
		"32 characters; the same for ingresses that share their URLs. "
		"Several: all are valid, URLs are made with the first. Without: "
		"a random one that the state folder keeps.",
		.flags = OPT_RELOAD),
	KEY(struct conf_ingress, keys, OPT_STR, NULL, KEYS_HELP,
		.flags = OPT_RESTART),
};
static const struct opt_table ingress_table = TABLE(struct conf_ingress,
	"ingress", ingress_opts, "Receives webhooks.");

static const struct opt deployer_opts[] = {
	KEY(struct conf_deployer, link, OPT_STR, "ipc:///run/pullwire/deployer",
		"Where matchers connect.",
		.flags = OPT_RESTART),
	KEY(struct conf_deployer, lanes, OPT_STRS, NULL,
		"What this instance does: `http` for trigger URLs, and names of "
		"engines. Without: all.",
		.max = 64),
	KEY(struct conf_deployer, state, OPT_STR, "/var/lib/pullwire/deployer",
		"Folder of the queue.",
		.flags = OPT_RESTART),
	KEY(struct conf_deployer, max_http, OPT_INT, "64",
		"Deliveries to trigger URLs under way at once.", .min = 1,
		.max = 1024),
	KEY(struct conf_deployer, max_deploys, OPT_INT, "4",
		"Redeploys under way at once.", .min = 1, .max = 64),
	KEY(struct conf_deployer, schedule, OPT_STRS, NULL,
		"Waits before the attempts at a trigger URL, the first "
		"included. Without: 0 5s 5m 30m 2h 5h 10h 14h 20h 24h.",
		.max = 32),
	KEY(struct conf_deployer, allow_private, OPT_STRS, NULL,
		"Networks that are not public and that trigger URLs may lead "
		"to all the same: `10.1.2.0/24:8080`, a range of ports as "
		"`8000-8999`, IPv6 as `[fd00::/64]:8080`. Without: none. It "
		"is judged by the address that is connected to. A cloud's "
		"metadata service is opened by its own /32 or /128 only.",
		.max = 256),
	KEY(struct conf_deployer, docker_config, OPT_STR, NULL,
		"Credentials of registries: a file as `docker login` writes "
		"it, `config.json`; `auths`, `credHelpers`, `credsStore` and "
		"identity tokens are understood. Read anew for each pull. "
		"Without: that of the folder `DOCKER_CONFIG`, or "
		"`~/.docker/config.json`, if it can be read.",
		.flags = OPT_RESTART, .max = 4096),
	KEY(struct conf_deployer, proxy, OPT_STR, NULL,
		"`http://HOST:PORT` of an HTTP proxy that all posts to trigger "
		"URLs go through; proxies of the environment are never looked "
		"at. It resolves the names, so it has to keep private "
		"addresses out: here only those that a URL spells out are "
		"refused. The rows say `via`.",
		.flags = OPT_RESTART, .max = 255),
	KEY(struct conf_deployer, notices, OPT_STRS, NULL,
		"Links of the deployers that serve `http`, which post what "
		"`notify` says; for one that does not serve it itself.",
		.max = 64, .flags = OPT_RESTART),
	KEY(struct conf_deployer, keys, OPT_STR, NULL, KEYS_HELP,
		.flags = OPT_RESTART),
};
static const struct opt_table deployer_table = TABLE(struct conf_deployer,
	"deployer", deployer_opts, "Redeploys and posts to trigger URLs.");

static const struct opt matcher_opts[] = {
	KEY(struct conf_matcher, ingress, OPT_STRS,
		"ipc:///run/pullwire/ingress",
		"Links of the ingresses; a name stands for all its addresses.",
		.max = 64),
	KEY(struct conf_matcher, deployer, OPT_STRS,
		"ipc:///run/pullwire/deployer", "Links of the deployers.",
		.max = 64),
	KEY(struct conf_matcher, logger, OPT_STRS,
		"ipc:///run/pullwire/logger",
		"Links of the loggers; ingress and deployer use it too.",
		.max = 64),
	KEY(struct conf_matcher, window, OPT_INT, "16",
		"Events under way at once, for each ingress.", .min = 1,
		.max = 1024),
	KEY(struct conf_matcher, keys, OPT_STR, NULL, KEYS_HELP,
		.flags = OPT_RESTART),
};
static const struct opt_table matcher_table = TABLE(struct conf_matcher,
	"matcher", matcher_opts, "Applies the triggers; connects to all others.");

static const struct opt conf_opts[] = {
	KEY(struct conf, sources, OPT_LIST, NULL, "Registries that may post.",
		.sub = &source_table, .flags = OPT_RELOAD),
	KEY(struct conf, triggers, OPT_LIST, NULL, "Rules and their actions.",
		.sub = &conf_trigger_table, .flags = OPT_RELOAD),
	KEY(struct conf, engines, OPT_LIST, NULL, "Where applications run.",
		.sub = &conf_engine_table, .flags = OPT_RESTART),
	KEY(struct conf, notify, OPT_LIST, NULL,
		"Who is told how redeploys ended.",
		.sub = &conf_notify_table, .flags = OPT_RELOAD),
	KEY(struct conf, ingress, OPT_SUB, NULL, "Receives webhooks.",
		.sub = &ingress_table),
	KEY(struct conf, deployer, OPT_SUB, NULL,
		"Redeploys and posts to trigger URLs.", .sub = &deployer_table),
	KEY(struct conf, logger, OPT_SUB, NULL, "Keeps and shows.",
		.sub = &conf_logger_table),
	KEY(struct conf, matcher, OPT_SUB, NULL, "Applies the triggers.",
		.sub = &matcher_table),
	KEY(struct conf, trusted_proxies, OPT_STRS, NULL,
		"Addresses and networks of the reverse proxies before ingress: "
		"of a request from one, the sender is who `X-Forwarded-For` "
		"says. Of all others that header is not looked at.",
		.max = 256, .flags = OPT_RELOAD),
	KEY(struct conf, run, OPT_STR, CONF_RUN,
		"Folder of the status files that the `health` commands read.",
		.flags = OPT_RESTART),
	KEY(struct conf, log_format, OPT_ENUM, "text",
		"Of each process's own log, on standard error: lines for "
		"people, or a JSON object a line for collectors.",
		.words = conf_own_log_formats, .flags = OPT_RESTART),
	KEY(struct conf, log_level, OPT_ENUM, "info",
		"Least severity of the processes' own log on standard error.",
		.words = level_words),
	KEY(struct conf, links, OPT_ENUM, "protected",
		"`plain` allows tcp links without keys beyond this machine: "
		"only where the network between the processes is private.",
		.words = links_words),
};
const struct opt_table conf_table = TABLE(struct conf, "the file", conf_opts,
	"One file for all four processes, and `triggers.d/*.yml` beside it, "
	"which hold more `triggers`.");

static const struct opt fragment_opts[] = {
	KEY(struct conf_fragment, triggers, OPT_LIST, NULL,
		"More triggers.", .sub = &conf_trigger_table, .flags = OPT_RELOAD),
};
const struct opt_table conf_fragment_table = TABLE(struct conf_fragment,
	"a file of triggers.d", fragment_opts, "Triggers only.");

void conf_print_markdown(struct strbuf *out)
{
	strbuf_add_cstr(out,
		"# Configuration\n\n"
		"Printed by `make docs` from the tables in "
		"`proto/data/conf_*.c`.\n\n"
		"`-c FILE`, or `PULLWIRE_CONFIG`, or "
		"`/etc/pullwire/pullwire.yml`. YAML; JSON is a subset. All four "
		"processes read the same file. `-n` checks it and exits: every "
		"fault is printed as `FILE:LINE: sentence`, and the exit code "
		"is 2. What concerns one process alone, such as its addresses "
		"and engines, is checked by its own `-n` only; `pullwire-matcher "
		"check FILE` looks at the addresses of all four.\n\n"
		"`${VAR}` and `${VAR:-default}` are taken from the environment, "
		"`$$` is a dollar sign. A secret `K` can be read from a file "
		"with `K_file`. Durations: `500ms` `30s` `5m` `2h` `7d`; sizes: "
		"`512` `256KiB` `1MiB`. A key marked \\* needs a restart.\n");
	opt_print_markdown(&conf_table, out);
}
