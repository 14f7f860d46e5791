#include "deployer/docker/docker_pick.h"

#include <inttypes.h>

#include "deployer/docker/docker_self.h"
#include "deployer/docker/docker_swap.h"

#define COMPOSE "com.docker.compose."

/* ---- finding ------------------------------------------------------------------ */

/* {"name":["^/?web(\\.(new|old|failed)-[0-9a-f]{8})?$"]} */
static void filter_name(struct json *filters, const char *name)
{
	struct json *list = json_new_array();
	struct strbuf re = {0};

	strbuf_add_cstr(&re, "^/?");
	for (; *name; name++) {
		/* The only special one that a name may have. */
		if (*name == '.')
			strbuf_add_char(&re, '\\');
		strbuf_add_char(&re, *name);
	}
	strbuf_add_cstr(&re, "(\\.(new|old|failed)-[0-9a-f]{8})?$");
	json_push(list, json_new_strn(strbuf_str(&re)));
	json_set(filters, "name", list);
	strbuf_release(&re);
}

static void filter_compose(struct json *filters, const char *target)
{
	struct json *list = json_new_array();
	struct str rest = str_from(target), project;
	struct strbuf sb = {0};

	str_split(&rest, '/', &project);
	strbuf_add_cstr(&sb, COMPOSE "project=");
	strbuf_add_str(&sb, project);
	json_push(list, json_new_strn(strbuf_str(&sb)));
	strbuf_truncate(&sb, 0);
	strbuf_add_cstr(&sb, COMPOSE "service=");
	strbuf_add_str(&sb, rest);
	json_push(list, json_new_strn(strbuf_str(&sb)));
	json_set(filters, "label", list);
	strbuf_release(&sb);
}

struct json *docker_pick_list(struct docker_api *api,
	const struct conf_deploy *deploy, struct err *err)
{
	struct json *filters = json_new_object();
	struct json *list;

	if (deploy->container != NULL)
		filter_name(filters, deploy->container);
	else
		filter_compose(filters, deploy->compose);
	list = docker_container_list(api, filters, err);
	json_free(filters);
	return list;
}

static const char *label(const struct json *container, const char *key)
{
	const struct json *labels = json_get(container, "Labels");

	if (labels == NULL)
		labels = json_path(container, "Config.Labels");
	return json_str(json_get(labels, key));
}

static bool is(const char *s, const char *want)
{
	return s != NULL && strcmp(s, want) == 0;
}

static int64_t number_of(const struct json *container)
{
	int64_t n = 0;

	if (str_to_i64(str_from(label(container, COMPOSE "container-number")),
		    &n) != 0)
		return 0;
	return n;
}

void docker_pick_sort(struct json *list)
{
	struct json *c, *sorted = json_new_array();
	struct str base;
	size_t i, at;

	for (i = json_len(list); i-- > 0;) {
		c = json_at(list, i);
		if (docker_swap_is_alias(
			    str_from(docker_swap_name(c)), NULL, &base) ||
			is(label(c, COMPOSE "oneoff"), "True"))
			json_del_at(list, i);
	}
	/* A handful of replicas: the smallest that is left, again and again. */
	while (json_len(list) > 0) {
		for (i = 1, at = 0; i < json_len(list); i++)
			if (number_of(json_at(list, i)) <
				number_of(json_at(list, at)))
				at = i;
		json_push(sorted, json_copy(json_at(list, at)));
		json_del_at(list, at);
	}
	for (c = json_first(sorted); c; c = json_next(c))
		json_push(list, json_copy(c));
	json_free(sorted);
}

/* ---- judging ------------------------------------------------------------------ */

/* Whose container is it, if not a person's or Compose's? */
static int judge_owner(const struct json *container, struct err *err)
{
	static const struct {
		const char *prefix, *owner, *advice;
	} owners[] = {
		{"io.kubernetes.", "Kubernetes", "update its workload instead"},
		{"com.hashicorp.nomad", "Nomad", "update its job instead"},
		{"com.amazonaws.ecs", "Amazon ECS",
			"update its service instead"},
	};
	const struct json *l = json_first(json_path(container, "Config.Labels"));
	const char *service = label(container, "com.docker.swarm.service.name");

	if (label(container, "com.docker.swarm.task.id") != NULL)
		return err_fail(err, "container %s belongs to Swarm service %s, "
			"and Swarm makes it anew as it likes; say `deploy: "
			"{service: %s}`, at a manager of the Swarm",
			docker_swap_name(container),
			service != NULL ? service : "NAME",
			service != NULL ? service : "NAME");
	for (; l; l = json_next(l))
		for (size_t i = 0; i < ARRAY_LEN(owners); i++)
			if (str_starts(str_from(json_key(l)),
				    str_from(owners[i].prefix)))
				return err_fail(err,
					"container %s belongs to %s (label "
					"%s); %s",
					docker_swap_name(container),
					owners[i].owner, json_key(l),
					owners[i].advice);
	if (is(label(container, COMPOSE "oneoff"), "True"))
		return err_fail(err,
			"container %s is a one-off run of Compose and is left "
			"alone", docker_swap_name(container));
	if (is(label(container, "pullwire.enable"), "false"))
		return err_fail(err,
			"container %s has the label pullwire.enable=false",
			docker_swap_name(container));
	return 0;
}

/*
 * An exited container is started again only where its crash is what a push
 * may mend. With restart policy always or unless-stopped the engine itself
 * would have started it, unless a person stopped it or it cannot start; signals
 * (128 + 9, 128 + 15) are how a person's stop ends.
 */
static bool has_crashed(const struct json *container)
{
	const struct json *state = json_get(container, "State");
	const char *policy = json_str(
		json_path(container, "HostConfig.RestartPolicy.Name"));
	const char *error = json_str(json_get(state, "Error"));
	int64_t code = json_i64(json_get(state, "ExitCode"), 0);

	if (policy == NULL || *policy == '\0' || strcmp(policy, "no") == 0)
		return false;
	if (error != NULL && *error != '\0')
		return true;
	if (strcmp(policy, "on-failure") != 0 || code == 0)
		return false;
	return (code != 137 && code != 143) ||
		json_bool(json_get(state, "OOMKilled"));
}

/* It does not run, and no crash made it so. */
static int judge_stopped(const struct json *container, int stopped,
	const char **was, struct err *err)
{
	const char *name = docker_swap_name(container);

	if (stopped != STOPPED_SKIP) {
		*was = stopped == STOPPED_START ? "exited" : "stopped";
		return 0;
	}
	if (is(docker_swap_status(container), "created"))
		return err_fail(err,
			"container %s was created and never started, so it is "
			"left alone; start it and push again", name);
	return err_fail(err,
		"container %s is stopped (exit code %" PRId64 "), so it is "
		"left alone; start it and push again", name,
		json_i64(json_path(container, "State.ExitCode"), 0));
}

int docker_pick_judge(const struct json *container, int stopped, bool self_too,
	const char **was, struct err *err)
{
	static const char *const up[] = {"running", "restarting"};
	const char *status = docker_swap_status(container);
	const char *name = docker_swap_name(container);
	char self[DOCKER_ID_LEN];

	docker_self_id(self);
	if (!self_too && *self != '\0' && is(json_str(json_get(container, "Id")), self))
		return err_fail(err,
			"container %s is the deployer's own; replace it by "
			"hand, or set self_update", name);
	if (judge_owner(container, err) != 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(up); i++)
		if (strcmp(status, up[i]) == 0) {
			*was = "running";
			return 0;
		}
	if (strcmp(status, "paused") == 0) {
		*was = "paused";
		return 0;
	}
	if (strcmp(status, "exited") == 0 && has_crashed(container)) {
		*was = "exited";
		return 0;
	}
	if (strcmp(status, "exited") == 0 || strcmp(status, "created") == 0)
		return judge_stopped(container, stopped, was, err);
	return err_fail(err, "container %s is %s; remove it, start it anew and "
		"push again", name, *status ? status : "in no known state");
}
