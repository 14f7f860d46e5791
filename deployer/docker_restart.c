#include "deployer/docker_restart.h"

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

int docker_restart_dependents(struct docker_task *t, struct err *err)
{
	struct str service = str_from(t->run->trigger->deploy.compose), project;
	struct json *list;
	const char *label;
	int rc = 0;

	if (service.n == 0)
		return 0;
	str_split(&service, '/', &project);
	list = list_running(t, project, err);
	if (list == NULL)
		return -1;
	for (const struct json *c = json_first(list); rc == 0 && c;
		c = json_next(c)) {
		label = json_str(json_get(
			json_get(c, "Labels"), COMPOSE "depends_on"));
		if (!docker_restart_wanted(label, service.p))
			continue;
		log_info(t->note.job, "container %s is restarted after %s",
			docker_swap_name(c), service.p);
		rc = docker_container_restart(
			t->api, json_str(json_get(c, "Id")), err);
		if (rc != 0)
			err_prefix(err, "the restart of %s",
				docker_swap_name(c));
	}
	json_free(list);
	return rc;
}
