#include "deployer/swarm/swarm_service.h"

#include <inttypes.h>

#include "proto/base/mem.h"

#define UPDATE_MS 120000

/* ---- looking ---------------------------------------------------------------- */

static struct json *get(struct docker_api *api, struct strbuf *path,
	struct err *err)
{
	struct json *answer = NULL;

	docker_api_call(api, "GET", strbuf_cstr(path), NULL, &answer, err);
	strbuf_release(path);
	return answer;
}

static struct json *get_filtered(struct docker_api *api, const char *what,
	struct json *filters, struct err *err)
{
	struct strbuf path = {0}, text = {0};

	json_write(filters, &text);
	json_free(filters);
	strbuf_addf(&path, "%s?filters=", what);
	docker_api_encode(&path, strbuf_str(&text));
	strbuf_release(&text);
	return get(api, &path, err);
}

static void filter(struct json *filters, const char *key, const char *value)
{
	struct json *list = json_new_array();

	json_push(list, json_new_str(value));
	json_set(filters, key, list);
}

static bool is(const struct json *j, const char *want)
{
	return json_str(j) != NULL && strcmp(json_str(j), want) == 0;
}

struct json *swarm_service_inspect(struct docker_api *api, const char *name,
	struct err *err)
{
	struct strbuf path = {0};
	struct json *service;

	strbuf_add_cstr(&path, "/services/");
	docker_api_encode(&path, str_from(name));
	service = get(api, &path, err);
	/* The engine also takes the beginning of an id for it. */
	if (service == NULL || is(json_path(service, "Spec.Name"), name) ||
		is(json_get(service, "ID"), name))
		return service;
	json_free(service);
	err_set(err, ERR_FAIL, 404, "service %s not found", name);
	return NULL;
}

struct json *swarm_service_list(struct docker_api *api, const char *label,
	struct err *err)
{
	struct json *filters = json_new_object();

	filter(filters, "label", label);
	return get_filtered(api, "/services", filters, err);
}

struct json *swarm_service_tasks(struct docker_api *api, const char *id,
	enum swarm_tasks which, struct err *err)
{
	struct json *filters = json_new_object();

	filter(filters, "service", id);
	if (which == SWARM_TASKS_NOW)
		filter(filters, "desired-state", "running");
	else if (which == SWARM_TASKS_CURRENT)
		filter(filters, "_up-to-date", "true");
	return get_filtered(api, "/tasks", filters, err);
}

/* ---- changing --------------------------------------------------------------- */

static int change(struct docker_api *api, const struct json *service,
	const struct json *spec, const char *more, const char *auth,
	struct err *err)
{
	char *path = xprintf("/services/%s/update?version=%" PRId64 "%s",
		json_str(json_get(service, "ID")),
		json_i64(json_path(service, "Version.Index"), 0), more);
	const struct docker_request req = {
		.method = "POST",
		.path = path,
		.body = spec,
		.auth = auth,
		.total_ms = UPDATE_MS,
	};
	int rc = docker_api_do(api, &req, err);

	free(path);
	return rc;
}

int swarm_service_update(struct docker_api *api, const struct json *service,
	const struct json *spec, const char *auth, struct err *err)
{
	return change(api, service, spec, "&registryAuthFrom=spec", auth, err);
}

int swarm_service_rollback(struct docker_api *api, const struct json *service,
	struct err *err)
{
	return change(api, service, json_get(service, "Spec"),
		"&rollback=previous", NULL, err);
}

/* Told as an internal error (500) by every engine so far. */
bool swarm_service_is_conflict(const struct err *err)
{
	return err->code >= 400 && strstr(err->text, "update out of sequence");
}
