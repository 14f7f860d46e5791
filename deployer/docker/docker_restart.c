#include "deployer/docker/docker_restart.h"

#include "deployer/docker/docker_pick.h"
#include "deployer/docker/docker_renew.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

#define COMPOSE "com.docker.compose."

bool docker_restart_wanted(const char *label, const char *service)
{
	struct str rest = str_from(label), one, name, condition;

	while (str_split(&rest, ',', &one)) {
		str_split(&one, ':', &name);
		str_split(&one, ':', &condition);
		if (str_is(str_trim(name), service) &&
			str_is(str_trim(one), "true"))
			return true;
	}
	return false;
}

/* Those of the project that run. */
static struct json *list_running(struct docker_task *t, struct str project,
	struct err *err)
{
	struct json *filters = json_new_object(), *labels = json_new_array();
	struct json *status = json_new_array(), *list;
	char *label = xprintf(
		COMPOSE "project=%.*s", (int)project.n, project.p);

	json_push(labels, json_new_str(label));
	json_push(status, json_new_str("running"));
	json_set(filters, "label", labels);
	json_set(filters, "status", status);
	list = docker_container_list(t->api, filters, err);
	json_free(filters);
	free(label);
	return list;
}

/* first: the error so far, or none yet. */
static void restart(struct docker_task *t, const struct json *c,
	const char *after, struct err *first)
{
	const char *id = json_str(json_get(c, "Id"));
	struct err err = {0};

	if (id == NULL || docker_renew_is_self(id))
		return;
	log_info(t->note.job, "container %s is restarted after %s",
		docker_swap_name(c), after);
	docker_task_progress(t, "restarting what depends on it");
	if (docker_container_restart(t->api, id, &err) == 0 ||
		*first->text != '\0')
		return;
	*first = err;
	err_prefix(first, "the restart of %s", docker_swap_name(c));
}

/* As Compose's files say it. */
static void restart_services(struct docker_task *t, struct err *first)
{
	struct str service = str_from(t->run->trigger->deploy.compose), project;
	struct json *list;
	struct err err = {0};
	const char *label;

	if (service.n == 0)
		return;
	str_split(&service, '/', &project);
	list = list_running(t, project, &err);
	if (list == NULL && *first->text == '\0')
		*first = err;
	for (const struct json *c = json_first(list); c; c = json_next(c)) {
		label = json_str(json_get(
			json_get(c, "Labels"), COMPOSE "depends_on"));
		if (docker_restart_wanted(label, service.p))
			restart(t, c, service.p, first);
	}
	json_free(list);
}

/* One of `restart_after`: a container, or all of a service. */
static void restart_listed(struct docker_task *t, char *name,
	struct err *first)
{
	struct conf_deploy d = {0};
	struct json *list;
	struct err err = {0};

	if (strchr(name, '/') != NULL)
		d.compose = name;
	else
		d.container = name;
	list = docker_pick_list(t->api, &d, &err);
	if (list != NULL)
		docker_pick_sort(list);
	if (list != NULL && json_len(list) == 0)
		err_fail(&err, "there is no %s to be restarted", name);
	if (*err.text != '\0' && *first->text == '\0')
		*first = err;
	for (const struct json *c = json_first(list); c; c = json_next(c))
		if (str_is(str_from(json_str(json_get(c, "State"))), "running"))
			restart(t, c, t->note.target, first);
	json_free(list);
}

int docker_restart_dependents(struct docker_task *t, struct err *err)
{
	const struct opt_strs *after = &t->run->trigger->deploy.restart_after;
	struct err first = {0};

	restart_services(t, &first);
	for (size_t i = 0; i < after->n; i++)
		restart_listed(t, after->v[i], &first);
	if (*first.text == '\0')
		return 0;
	*err = first;
	return -1;
}
