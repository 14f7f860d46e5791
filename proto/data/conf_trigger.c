/* What a trigger may say: the checks over several of its keys. */
#include "proto/data/conf_load.h"

#include "proto/base/semver.h"
#include "proto/base/window.h"
#include "proto/base/zone.h"

static bool tag_ok(const char *tag)
{
	static const char all[] = ".-abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
	size_t n = strlen(tag);

	return n > 0 && n <= 128 && strspn(tag, all) == n &&
		strchr(all + 2, *tag);
}

static void check_tags(struct conf_loader *l, const struct yaml *map,
	const struct conf_trigger *t)
{
	if (t->expression && t->tags.n)
		FAULT(map, "expression",
			"`expression` and `tags` exclude each other");
	if (t->expression && !*t->expression)
		FAULT(map, "expression", "expression: is empty; leave it out "
					 "to take every tag");
	for (size_t i = 0; i < t->tags.n; i++)
		if (!tag_ok(t->tags.v[i]))
			FAULT(map, "tags",
				"tags: `%s` can be no tag; for a pattern use "
				"`expression`", t->tags.v[i]);
}

/* `type` with `tag` is another spelling of the three methods. It becomes
 * `expression` or `tags` here: behind this nobody sees it. */
static void take_alias(struct conf_loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	size_t n = t->tag.n;

	if (!yaml_get(map, "type")) {
		if (yaml_get(map, "tag"))
			FAULT(map, "tag", "tag: goes with `type: TAG_LIST` or "
				"`TAG_REG_EXP`; else write `tags` or "
				"`expression`");
		return;
	}
	if (yaml_get(map, "tags") || yaml_get(map, "expression"))
		FAULT(map, "type", "type: goes with `tag`; `tags` and "
				   "`expression` say their type themselves");
	else if (t->type == TRIGGER_ALL && n != 0)
		FAULT(map, "tag", "tag: `type: ALL` takes every tag; leave "
				  "`tag` out");
	else if (t->type == TRIGGER_TAG_REG_EXP && n != 1)
		FAULT(map, "type", "type: TAG_REG_EXP needs one expression in "
				   "`tag`");
	else if (t->type == TRIGGER_TAG_LIST && n == 0)
		FAULT(map, "type", "type: TAG_LIST needs 1 to 10 tags in "
				   "`tag`");
	else if (t->type == TRIGGER_TAG_REG_EXP &&
		strlen(t->tag.v[0]) > CONF_EXPRESSION_MAX)
		FAULT(map, "tag", "tag: the expression is longer than %d bytes",
			CONF_EXPRESSION_MAX);
	else if (t->type == TRIGGER_TAG_REG_EXP)
		t->expression = xstrdup(t->tag.v[0]);
	if (t->type == TRIGGER_TAG_LIST && !t->tags.n) {
		t->tags = t->tag;
		t->tag = (struct opt_strs){0};
	}
}

static void check_versions(struct conf_loader *l, const struct yaml *map,
	const struct conf_trigger *t)
{
	struct err err = {0};
	struct semver_range *range;

	if (t->exclude && !*t->exclude)
		FAULT(map, "exclude", "exclude: is empty; leave it out to "
				      "exclude nothing");
	if (!t->semver)
		return;
	range = semver_range_new(t->semver, &err);
	if (!range)
		FAULT(map, "semver", "semver: %s", err.text);
	semver_range_free(range);
}

/* OS/ARCHITECTURE[/VARIANT] */
static bool is_platform(const char *text)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	size_t parts = 0, n;

	for (;; text += n + 1) {
		n = strspn(text, all);
		if (n == 0 || ++parts > 3 || (text[n] && text[n] != '/'))
			return false;
		if (!text[n])
			return parts > 1;
	}
}

static void check_platforms(struct conf_loader *l, const struct yaml *map,
	const struct conf_trigger *t)
{
	if (t->platforms.n && t->url)
		FAULT(map, "platforms", "platforms: only a redeploy has an "
					"image to look at; a URL has none");
	for (size_t i = 0; i < t->platforms.n; i++)
		if (!is_platform(t->platforms.v[i]))
			FAULT(map, "platforms", "platforms: `%s` is none; "
				"write it as linux/amd64 or linux/arm/v7",
				t->platforms.v[i]);
}

/* Each text once, whoever says it: its time zone is a file. */
static void check_windows(struct conf_loader *l, const struct yaml *map,
	const struct conf_trigger *t)
{
	for (size_t i = 0; i < t->window.n; i++) {
		struct str text = str_from(t->window.v[i]);
		struct err err = {0};
		struct window *w;

		if (map_get(l->conf->windows, text))
			continue;
		w = window_new(text.p, ZONE_FOLDER, &err);
		if (w)
			map_put(l->conf->windows, text, w);
		else
			FAULT(map, "window", "window: %s", err.text);
	}
}

static void check_engine_of(struct conf_loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	const struct conf *c = l->conf;
	const struct conf_engine *only = c->engines.v;

	if (t->engine && !conf_engine(c, t->engine))
		FAULT(map, "engine", "engine: `%s` is not under `engines`",
			t->engine);
	else if (!t->engine && c->engines.n == 0)
		FAULT(map, "deploy", "deploy: needs an engine; add one under "
				     "`engines`");
	else if (!t->engine && c->engines.n > 1)
		FAULT(map, "deploy", "deploy: there are %zu engines; say which "
				     "with `engine`", c->engines.n);
	else if (!t->engine && only->name)
		t->engine = xstrdup(only->name);
}

void conf_check_url(struct conf_loader *l, const struct yaml *map,
	const char *text)
{
	struct err err = {0};
	struct url url;

	if (text && (url_parse(str_from(text), &url, &err) < 0 ||
			    url_policy(&url, &err) < 0))
		FAULT(map, "url", "url: %s", err.text);
}

/* A shell's line as one word would be a program that no container has. */
static void check_hook(struct conf_loader *l, const struct yaml *map,
	const char *key, const struct opt_strs *hook)
{
	if (hook->n == 1 && strpbrk(hook->v[0], " \t\n"))
		FAULT(yaml_get(map, "deploy"), key, "%s: `%s` is one word, so "
			"the name of a program; write its words as a list, or "
			"[sh, -c, \"%s\"]", key, hook->v[0], hook->v[0]);
}

static bool is_service(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && slash != text && slash[1] && !strchr(slash + 1, '/');
}

static void check_restarts(struct conf_loader *l, const struct yaml *map,
	const struct opt_strs *names)
{
	for (size_t i = 0; i < names->n; i++)
		if (!conf_name_ok(names->v[i]) && !is_service(names->v[i]))
			FAULT(yaml_get(map, "deploy"), "restart_after",
				"restart_after: `%s` is neither a container's "
				"name nor PROJECT/SERVICE", names->v[i]);
}

static void check_action(struct conf_loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	const struct yaml *deploy = yaml_get(map, "deploy");

	if (!deploy == !t->url)
		FAULT(map, deploy ? "deploy" : "name",
			"a trigger has either `deploy` or `url`%s",
			deploy ? ", not both" : "; this one has neither");
	conf_check_url(l, map, t->url);
	if (!deploy || deploy->kind != YAML_MAP)
		return;
	if (!t->deploy.container + !t->deploy.compose + !t->deploy.service != 2)
		FAULT(map, "deploy", "deploy: takes one of `container`, "
			"`compose` and `service`");
	if (t->deploy.compose && !is_service(t->deploy.compose))
		FAULT(map, "deploy", "compose: `%s` is not PROJECT/SERVICE",
			t->deploy.compose);
	if (t->deploy.container && !conf_name_ok(t->deploy.container))
		FAULT(map, "deploy", "container: `%s` can be no container's "
				     "name", t->deploy.container);
	if (t->deploy.compose && t->deploy.keep_failed)
		FAULT(deploy, "keep_failed", "keep_failed: does not go with "
			"`compose`: Compose would count the kept container as "
			"a replica");
	if (t->deploy.stop_signal && !conf_is_signal(t->deploy.stop_signal))
		FAULT(yaml_get(map, "deploy"), "stop_signal", "stop_signal: "
			"`%s` is no signal of Linux; write a name such as "
			"SIGINT, SIGUSR1 or SIGRTMIN+3, or a number from 1 to "
			"64", t->deploy.stop_signal);
	check_restarts(l, map, &t->deploy.restart_after);
	check_hook(l, map, "pre_hook", &t->deploy.pre_hook);
	check_hook(l, map, "post_hook", &t->deploy.post_hook);
	check_hook(l, map, "pre_check", &t->deploy.pre_check);
	check_hook(l, map, "post_check", &t->deploy.post_check);
	if (t->deploy.hook_user && (!*t->deploy.hook_user ||
			*t->deploy.hook_user == ':'))
		FAULT(yaml_get(map, "deploy"), "hook_user", "hook_user: `%s` "
			"names no user; write USER or USER:GROUP, names or "
			"numbers", t->deploy.hook_user);
	conf_check_service(l, map, t);
	check_engine_of(l, map, t);
}

static void check_repository(struct conf_loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	const char *r = t->repository;
	size_t n;

	if (!r)
		return;
	for (char *p = t->repository; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	n = conf_host_len(r);
	if (n && strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789._-:*") < n)
		FAULT(map, "repository", "repository: `%.*s` can be no "
					 "registry's host", (int)n, r);
	r += n ? n + 1 : 0;
	if (!*r || *r == '/' || r[strlen(r) - 1] == '/' || strstr(r, "//") ||
		strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789._-/*") !=
			strlen(r))
		FAULT(map, "repository",
			"repository: `%s` is neither a name such as shop/web "
			"(without tag; the registry's host may stand before "
			"it) nor a glob such as shop/*", t->repository);
}

void conf_check_trigger(struct conf_loader *l, const struct yaml *map,
	struct conf_trigger *t)
{
	conf_check_name(l, map, "trigger", t->name, &t->where);
	check_repository(l, map, t);
	take_alias(l, map, t);
	check_tags(l, map, t);
	check_versions(l, map, t);
	check_windows(l, map, t);
	check_platforms(l, map, t);
	check_action(l, map, t);
	t->expression_line = conf_key_line(map,
		yaml_get(map, "expression") ? "expression" : "tag");
	t->exclude_line = conf_key_line(map, "exclude");
}
